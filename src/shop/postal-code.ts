/**
 * Countries whose post uses no codes, or none in most of the country, by ISO 3166-1 alpha-2
 * (source: the address formats of Google's libaddressinput without a postal code).
 */
const withoutCodes = new Set(
  (
    'AE AG AO AW BF BI BJ BO BS BW BZ CD CF CG CI CK CM CW DJ DM ER FJ GA GD GH GM GQ GY HK ' +
    'JM KI KM KN KP LC ML MO MR MW NA NR NU QA RW SB SC SL SR SS ST SX SY TD TG TK TL TO TV UG ' +
    'VU YE ZW'
  ).split(' '),
);

/** True where an address is not complete without a postal code. */
export function needsPostalCode(country: string): boolean {
  return !withoutCodes.has(country);
}
