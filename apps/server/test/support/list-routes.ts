import type { RegisterRoutes } from '@tenon/server';

/** A route of the application. */
export interface Route {
  readonly method: string;
  /** With parameters as `:id`. */
  readonly url: string;
}

type App = Parameters<RegisterRoutes>[0];

/** Keeps the application that a server builds, to look at its routes later. */
export function watchApp(): { readonly routes: RegisterRoutes; app(): App } {
  let kept: App | undefined;
  return {
    routes: (app) => {
      kept = app;
    },
    app() {
      if (kept === undefined) throw new Error('the server has not been built yet');
      return kept;
    },
  };
}

/** Every route that the application's router knows, whether or not it is described anywhere. */
export function listRoutes(app: App): readonly Route[] {
  const routes: Route[] = [];
  const parts: string[] = [];
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const match = /^((?:[│ ] {3})*)(?:├── |└── )(.*?)(?: \(([A-Z, ]+)\))?$/.exec(line);
    if (match === null) continue;
    const [, indent = '', part = '', methods] = match;
    parts.splice(indent.length / 4, parts.length, part);
    for (const method of methods?.split(', ') ?? []) routes.push({ method, url: parts.join('') });
  }
  return routes;
}
