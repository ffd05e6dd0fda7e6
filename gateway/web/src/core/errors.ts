// Errors of the wire as one typed class, and the one kind the wire cannot say: no answer came.

export type ErrorClass =
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'invalid'
  | 'conflict'
  | 'limited'
  | 'unavailable'
  | 'unknown'
  | 'internal'
  /** No answer: the network, the server or the socket is gone. Nothing is known about the outcome. */
  | 'network';

export interface ErrorBody {
  class: ErrorClass;
  code: string;
  message: { zh: string; en: string };
  field?: string;
  retry_after_ms?: number;
  request_id?: string;
  data?: unknown;
}

export class ApiError extends Error {
  readonly class: ErrorClass;
  readonly code: string;
  readonly texts: { zh: string; en: string };
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly requestId: string | undefined;
  readonly data: unknown;

  constructor(body: ErrorBody) {
    super(`${body.class}/${body.code}`);
    this.name = 'ApiError';
    this.class = body.class;
    this.code = body.code;
    this.texts = body.message;
    this.field = body.field;
    this.retryAfterMs = body.retry_after_ms;
    this.requestId = body.request_id;
    this.data = body.data;
  }
}

const CLASSES: ReadonlySet<string> = new Set<ErrorClass>([
  'unauthenticated',
  'forbidden',
  'not_found',
  'invalid',
  'conflict',
  'limited',
  'unavailable',
  'unknown',
  'internal',
]);

/** Reads an error of the wire; anything else becomes `internal` so that a caller sees one type. */
export function readError(value: unknown): ApiError {
  if (isRecord(value)) {
    const kind = value['class'];
    const code = value['code'];
    const message = value['message'];
    if (typeof kind === 'string' && CLASSES.has(kind) && typeof code === 'string') {
      const texts = isRecord(message) ? message : {};
      const body: ErrorBody = {
        class: kind as ErrorClass,
        code,
        message: { zh: text(texts['zh']), en: text(texts['en']) },
        data: value['data'],
      };
      if (typeof value['field'] === 'string') body.field = value['field'];
      if (typeof value['retry_after_ms'] === 'number') body.retry_after_ms = value['retry_after_ms'];
      if (typeof value['request_id'] === 'string') body.request_id = value['request_id'];
      return new ApiError(body);
    }
  }
  return new ApiError({ class: 'internal', code: 'unreadable_answer', message: { zh: '', en: '' } });
}

/** No answer came. `code` says where it stopped: `offline`, `closed`, `deadline`, `fetch`, `queue_full`. */
export function networkError(code: string): ApiError {
  return new ApiError({ class: 'network', code, message: { zh: '', en: '' } });
}

export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError({ class: 'internal', code: 'client_fault', message: { zh: '', en: '' } });
}

/** True when the same request may be answered differently a moment later. */
export function isTransient(error: ApiError): boolean {
  return (
    error.class === 'network' ||
    error.class === 'unavailable' ||
    error.class === 'unknown' ||
    error.class === 'limited' ||
    error.class === 'internal'
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
