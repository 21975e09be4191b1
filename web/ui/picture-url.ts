const version: string = import.meta.env['VITE_PICTURES_VERSION'] ?? '';

/** The shop's own pictures with their version, so that caches may keep them for ever. */
export function pictureUrl(url: string): string {
  return url.startsWith('/media/') && version !== '' ? `${url}?v=${version}` : url;
}
