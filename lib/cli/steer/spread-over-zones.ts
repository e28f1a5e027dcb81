import { byCodeUnit } from '../../core/ids.ts';

/** How many nodes to launch in each zone, so that zones end as level as they can: the emptiest zone first. */
export function spreadOverZones(
  count: number,
  zones: readonly string[],
  present: readonly { readonly zone: string }[],
): Record<string, number> {
  const total = new Map(
    zones.map((zone) => [zone, present.filter((node) => node.zone === zone).length]),
  );
  const launch: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const [zone] = [...total].sort(([a, m], [b, n]) => m - n || byCodeUnit(a, b))[0]!;
    total.set(zone, total.get(zone)! + 1);
    launch[zone] = (launch[zone] ?? 0) + 1;
  }
  return launch;
}
