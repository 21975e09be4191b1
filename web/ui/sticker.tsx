import { pictureUrl } from './picture-url.ts';

interface StickerProps {
  /** One of the illustrations that tools/build-web.mjs makes. */
  readonly name: string;
  readonly size: number;
  readonly className?: string;
}

/** An illustration without ground. Decoration: the words beside it say it all. */
export function Sticker({ name, size, className }: StickerProps) {
  const url = pictureUrl(`/media/sticker/${name}.svg`);
  return <img className={className} src={url} alt="" width={size} height={size} />;
}
