/**
 * Zones by ids such as AWS has: `us-east-1a` is `use1-az1` here. In an account on AWS the two differ from
 * account to account, so nobody may work one out from the other.
 */
export function zoneIds(names: Iterable<string>): ReadonlyMap<string, string> {
  const zones = [...new Set(names)].sort();
  return new Map(zones.map((name, i) => [`${regionCode(name.slice(0, -1))}-az${i + 1}`, name]));
}

/** `us-east-1` → `use1`: the area, a letter for the direction, the number. */
function regionCode(region: string): string {
  const parts = region.split('-');
  return [parts[0], ...parts.slice(1).map((part) => part.charAt(0))].join('');
}
