import type { PageRequest } from '../../../src/api/storefront-page.ts';
import { Icon } from '../../ui/icon.tsx';
import { Sticker } from '../../ui/sticker.tsx';
import type { PageView } from '../page-view.ts';

interface MessagePageProps {
  readonly sticker: string;
  readonly title: string;
  readonly children: React.ReactNode;
}

function MessagePage({ sticker, title, children }: MessagePageProps) {
  return (
    <div className="page-width message-page">
      <Sticker name={sticker} size={160} />
      <h1>{title}</h1>
      {children}
    </div>
  );
}

/** The catalogue cannot be asked now. Says what is safe and what to do, and heals by itself. */
export function restingPage({ path, query }: Pick<PageRequest, 'path' | 'query'>): PageView {
  const here = query.size === 0 ? path : `${path}?${query}`;
  return {
    status: 503,
    title: 'The catalogue is resting | Doorbuster',
    content: (
      <MessagePage sticker="sleeping-face" title="The catalogue is resting">
        <p className="lead">
          We cannot show our toys this moment. Your cart and your accepted orders are safe, and what
          you have already bought is being finished behind the scenes.
        </p>
        <p className="actions">
          <a className="button button-primary" href={here}>
            Try again
          </a>
          <a className="button button-quiet" href="/orders">
            Find my order
          </a>
        </p>
      </MessagePage>
    ),
  };
}

export function missingPage(what = 'page'): PageView {
  return {
    status: 404,
    title: 'Not found | Doorbuster',
    content: (
      <MessagePage sticker="detective" title="We looked under every bed">
        <p className="lead">
          This {what} is not here. It may have been sold out for good, moved to another shelf, or
          the address has a typing mistake.
        </p>
        <p className="actions">
          <a className="button button-primary" href="/products">
            See all toys <Icon name="arrow" />
          </a>
          <a className="button button-quiet" href="/">
            To the front door
          </a>
        </p>
      </MessagePage>
    ),
  };
}
