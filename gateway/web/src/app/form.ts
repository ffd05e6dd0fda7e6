// Forms: the error of a field shows after leaving it, the server's error shows at the field it names, and
// nothing typed is ever lost.

import { type ChangeEvent, type FormEvent, useRef, useState } from 'react';

import type { ApiError } from '../core/errors';
import type { Check } from './check';
import { useErrorText, useT } from './hooks';

export interface FieldProps {
  name: string;
  value: string;
  error: string | undefined;
  onChange: (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => void;
  onBlur: () => void;
}

export interface Form<V extends Record<string, string>> {
  values: V;
  field: (name: keyof V & string) => FieldProps;
  onSubmit: (event: FormEvent<HTMLFormElement>) => void;
  /** Back to how it began. */
  reset: () => void;
  /** The server's error when no field of the form shows it. */
  restError: ApiError | undefined;
}

export function useForm<V extends Record<string, string>>(options: {
  initial: V;
  check: (values: V) => Partial<Record<keyof V, Check>>;
  submit: (values: V) => Promise<unknown> | void;
  error: ApiError | undefined;
  running: boolean;
}): Form<V> {
  const { initial, check, submit, error, running } = options;
  const t = useT();
  const errorText = useErrorText();
  const [values, setValues] = useState(initial);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [answered, setAnswered] = useState<V>();
  const busy = useRef(false);
  const checks = check(values);
  const fromServer = error?.field !== undefined && error.field in values ? error.field : undefined;

  const errorOf = (name: keyof V & string): string | undefined => {
    const found = checks[name];
    if (left.has(name) && found) return t(found.key, found.places);
    if (error && fromServer === name && answered?.[name] === values[name]) return errorText(error);
    return undefined;
  };

  return {
    values,
    reset: () => {
      setValues(initial);
      setLeft(new Set());
    },
    restError: error && fromServer === undefined ? error : undefined,
    field: (name) => ({
      name,
      value: values[name] ?? '',
      error: errorOf(name),
      onChange: (event) => {
        const { value } = event.currentTarget;
        setValues((now) => ({ ...now, [name]: value }));
      },
      onBlur: () => {
        if (values[name] !== '') setLeft((now) => new Set(now).add(name));
      },
    }),
    onSubmit: (event) => {
      event.preventDefault();
      const form = event.currentTarget;
      setLeft(new Set(Object.keys(values)));
      const wrong = Object.keys(values).find((name) => checks[name]);
      if (wrong !== undefined) {
        form.querySelector<HTMLElement>(`[name="${wrong}"]`)?.focus();
        return;
      }
      if (busy.current || running) return;
      // A second Enter may come before the first has been drawn.
      busy.current = true;
      setAnswered(values);
      void Promise.resolve(submit(values)).finally(() => {
        busy.current = false;
      });
    },
  };
}
