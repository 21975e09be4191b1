import type { ReactNode } from 'react';
import type { PageQuery } from '../../src/api/storefront-page.ts';

/** A page as its file under pages/ describes it; document.tsx puts the frame around it. */
export interface PageView {
  readonly status: 200 | 404 | 503;
  readonly title: string;
  readonly description?: string;
  readonly content: ReactNode;
  /** Islands inside `content`, so that their scripts load at once. */
  readonly islands?: readonly string[];
  /** What the search field shows. */
  readonly searchText?: string;
  readonly isPrivate?: boolean;
  /** Facts for search engines (schema.org). */
  readonly linkedData?: object;
}

/** What a page's address says: captured parts of the path, and the query. */
export interface PageAddress {
  readonly path: string;
  readonly parameter: string;
  readonly query: PageQuery;
}
