// Lighthouse on a page of a browser that is open already. It is installed beside this file by `make figures` only.

interface Answer {
  lhr: {
    categories: Record<string, { score: number | null }>;
    audits: Record<string, Judged>;
    environment: { benchmarkIndex: number };
  };
}

interface Judged {
  id: string;
  title: string;
  score: number | null;
  scoreDisplayMode: string;
  displayValue?: string;
}

type Lighthouse = (url: string, flags: object, config?: object) => Promise<Answer | undefined>;

const CATEGORIES = ['performance', 'accessibility', 'best-practices'];
/** Not its name, so that the types do not need what is not installed for every build. */
const PACKAGE = 'lighthouse';

/** Scores by category, of 100, and how fast the machine was then; what costs points is printed. */
export async function audit(url: string, port: number): Promise<Record<string, number>> {
  const { default: run } = (await import(PACKAGE)) as { default: Lighthouse };
  const flags = { port, onlyCategories: CATEGORIES, output: 'json', logLevel: 'error', disableStorageReset: true };
  const answer = await run(url, flags);
  if (!answer) throw new Error(`Lighthouse had nothing to say about ${url}`);
  const { categories, audits, environment } = answer.lhr;
  for (const { id, score, scoreDisplayMode, title, displayValue } of Object.values(audits)) {
    const judged = scoreDisplayMode === 'binary' || scoreDisplayMode === 'numeric' || scoreDisplayMode === 'metricSavings';
    if (judged && score !== null && score < 0.9) process.stdout.write(`  ${id} ${score}: ${title} ${displayValue ?? ''}\n`);
  }
  const scores = Object.fromEntries(
    CATEGORIES.map((name) => [name.replaceAll('-', '_'), Math.round(100 * (categories[name]?.score ?? 0))]),
  );
  return { ...scores, benchmark_index: environment.benchmarkIndex };
}
