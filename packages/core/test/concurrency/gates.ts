/** Work that ends when the test says so, and what has begun of it, in order. */
export interface Gates {
  readonly begun: readonly string[];
  /** Work of this name. It comes to its name. */
  work(name: string): () => Promise<string>;
  open(name: string): void;
  fail(name: string, error: Error): void;
}

/** Makes work that is under the control of a test. */
export function createGates(): Gates {
  const begun: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<string>>();
  const gate = (name: string): PromiseWithResolvers<string> => {
    const known = gates.get(name) ?? Promise.withResolvers<string>();
    gates.set(name, known);
    return known;
  };
  return {
    begun,
    work: (name) => () => {
      begun.push(name);
      return gate(name).promise;
    },
    open: (name) => gate(name).resolve(name),
    fail: (name, error) => gate(name).reject(error),
  };
}

/** Lets everything run that waits for promises alone. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
