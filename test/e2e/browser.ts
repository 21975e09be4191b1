/**
 * A real browser for tests: the Chromium that npm itself delivers, driven by Playwright. It is
 * kept from calling home; a page that asks anything outside this machine fails its test.
 */
import sparticuz from '@sparticuz/chromium';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/**
 * Not the package's own list: that one is made for functions in a cloud, with all in one process
 * that dies with the first closed window, and with web security switched off.
 */
const launchArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-quic',
];

export const desktop = { width: 1280, height: 900 };
export const phone = { width: 390, height: 844 };

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the browser complained about: script errors, policy violations, foreign requests. */
  readonly complaints: readonly string[];
}

export interface VisitOptions {
  readonly viewport?: typeof desktop;
  readonly colorScheme?: 'light' | 'dark';
  readonly javaScriptEnabled?: boolean;
}

export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async open(): Promise<TestBrowser> {
    const executablePath = await sparticuz.executablePath();
    return new TestBrowser(await chromium.launch({ executablePath, args: launchArguments }));
  }

  /** A visitor whom the shop has never seen, allowed to talk to `origin` alone. */
  async visit(origin: string, options: VisitOptions = {}): Promise<Visit> {
    const context = await this.#browser.newContext({
      viewport: desktop,
      baseURL: origin,
      reducedMotion: 'reduce',
      ...options,
    });
    const complaints: string[] = [];
    await context.route(
      (url) => url.origin !== origin && url.protocol !== 'data:',
      (route) => {
        complaints.push(`asked ${route.request().url()}`);
        return route.abort();
      },
    );
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(`script error: ${error.message}`));
    page.on('console', (message) => {
      const text = message.text();
      // A refusal that the test arranged is reported by the browser as well; that is no defect.
      if (message.type() === 'error' && !text.startsWith('Failed to load resource')) {
        complaints.push(text);
      }
    });
    return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}
