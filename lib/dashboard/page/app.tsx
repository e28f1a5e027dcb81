import { useEffect, useMemo, useState } from 'preact/hooks';
import { askWith } from './ask.ts';
import { Chart } from './chart.tsx';
import { follow, type Live, nothingYet } from './connection.ts';
import { DialogOf, type Opened } from './dialogs.tsx';
import { FleetMap } from './fleet-map.tsx';
import { Flights } from './flights.tsx';
import { Header } from './header.tsx';
import { HealthStrip } from './health-strip.tsx';
import { Operations } from './operations.tsx';
import { Scaling } from './scaling.tsx';
import { Tiles } from './tiles.tsx';
import { Toast } from './toast.tsx';

export function App({ pageKey }: { readonly pageKey: string }) {
  const [live, change] = useState<Live>(nothingYet);
  const [opened, open] = useState<Opened | undefined>();
  const [told, tell] = useState('');
  const ask = useMemo(() => askWith(pageKey), [pageKey]);
  useEffect(() => follow(pageKey, change), [pageKey]);
  if (live.link === 'locked') return <Locked />;
  const { reading } = live;
  return (
    <>
      <Header live={live} open={open} />
      <HealthStrip live={live} />
      {reading !== undefined && (
        <main>
          <Tiles reading={reading} history={live.history} />
          <div class="columns">
            <div class="column wide">
              <FleetMap reading={reading} open={open} />
              <Chart history={live.history} now={reading.at} />
              <Flights reading={reading} open={open} />
            </div>
            <div class="column">
              <Operations reading={reading} open={open} />
              <Scaling reading={reading} />
            </div>
          </div>
        </main>
      )}
      {opened !== undefined && reading !== undefined && (
        <DialogOf opened={opened} reading={reading} ask={ask} open={open} tell={tell} />
      )}
      <Toast text={told} clear={() => tell('')} />
    </>
  );
}

const Locked = () => (
  <div class="locked">
    <img src="/icon.svg" alt="" width="56" height="56" />
    <h1>Ballast</h1>
    <p>
      This page needs its key: open the address that the command printed, the part after # included.
    </p>
  </div>
);
