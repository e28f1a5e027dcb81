import { blocksOf, dueWords, isStuck, subjectOf } from '../../cli/look/job-words.ts';
import type { Reading } from '../live.ts';
import type { Opened } from './dialogs.tsx';
import { ago, formatBytes, formatDuration, minute, plural, rate, share } from './words.ts';

type Job = Reading['status']['jobs'][number];
type Open = (opened: Opened) => void;

export function Operations({ reading, open }: { readonly reading: Reading; readonly open: Open }) {
  const { status, ended, at } = reading;
  return (
    <section class="panel" aria-labelledby="operations-title">
      <div class="panel-head">
        <h2 id="operations-title">Operations</h2>
        <span class="muted">
          {status.jobs.length > 0 ? plural(status.jobs.length, 'running job') : ''}
        </span>
      </div>
      {status.jobs.length === 0 && <p class="empty">No jobs run.</p>}
      {status.jobs.map((job) => (
        <Running key={job.id} job={job} open={open} />
      ))}
      {ended.length > 0 && <h3>Ended</h3>}
      <ul class="ended">
        {ended.map((job) => (
          <Ended key={job.id} job={job} now={at} open={open} />
        ))}
      </ul>
    </section>
  );
}

interface RunningProps {
  readonly job: Job;
  readonly open: Open;
}

function Running({ job, open }: RunningProps) {
  const done = share(job.bytesDone, job.bytesPlanned);
  const tone = blocksOf(job).length > 0 ? 'warn' : 'move';
  const due = dueWords(job, minute);
  return (
    <article class="job">
      <div class="job-head">
        <span class="kind">{job.kind}</span>
        <strong>{subjectOf(job)}</strong>
        {job.paused && <span class="chip warn">paused</span>}
        <Steer job={job} open={open} />
      </div>
      <progress class={tone} value={done} max={1} aria-label={`${job.kind} of ${subjectOf(job)}`} />
      {job.bytesPlanned > 0 && <Progress job={job} />}
      {due !== '' && <p class="due numbers">{due}</p>}
      <Waits job={job} />
      <p class="muted numbers">
        {job.movesDone} of {plural(job.movesPlanned, 'move')}, {job.movesInFlight} in flight,{' '}
        {job.movesRetried} retried, priority {job.priority}{' '}
        <button type="button" class="plain" onClick={() => open({ kind: 'explain', id: job.id })}>
          why?
        </button>
      </p>
    </article>
  );
}

const Steer = ({ job, open }: RunningProps) => (
  <>
    <button
      type="button"
      class="small"
      onClick={() => open({ kind: job.paused ? 'resume' : 'pause', job: job.id })}
    >
      {job.paused ? 'Resume' : 'Pause'}
    </button>
    <button type="button" class="small" onClick={() => open({ kind: 'cancel', job: job.id })}>
      Cancel
    </button>
  </>
);

const Progress = ({ job }: { readonly job: Job }) => (
  <p class="numbers figures-line">
    <span>
      {formatBytes(job.bytesDone)} of {formatBytes(job.bytesPlanned)}
    </span>
    <span>{rate(job.bytesPerSecondRecent)}</span>
    <span>{job.secondsLeft === null ? '' : `${formatDuration(job.secondsLeft * 1_000)} left`}</span>
  </p>
);

/** What it does, or what it waits for: never a bar that stands still without a word. */
function Waits({ job }: { readonly job: Job }) {
  const blocks = blocksOf(job);
  if (blocks.length === 0) return <p class="phase">{job.phase}</p>;
  return (
    <>
      {isStuck(job) && (
        <p class="stuck">
          Stuck: nothing was committed for {formatDuration(job.stillMs)}. It waits for:
        </p>
      )}
      <ul class="blocks">
        {blocks.map((block) => (
          <li key={block}>{block}</li>
        ))}
      </ul>
    </>
  );
}

const marks = { running: '…', done: '✓', blocked: '!', failed: '✕', cancelled: '–' };

interface EndedProps {
  readonly job: Job;
  readonly now: number;
  readonly open: Open;
}

const Ended = ({ job, now, open }: EndedProps) => (
  <li>
    <button
      type="button"
      class={`ended-job ${job.state}`}
      onClick={() => open({ kind: 'explain', id: job.id })}
    >
      <span class="badge" title={job.state}>
        {marks[job.state]}
      </span>
      <span class="what">
        {job.kind} <span class="muted">{subjectOf(job)}</span>
      </span>
      <span class="numbers muted">
        {job.bytesDone > 0 ? `${formatBytes(job.bytesDone)} in ` : ''}
        {formatDuration(job.seconds * 1_000)}
      </span>
      <span class="numbers muted">{ago(now - Date.parse(job.endedAt ?? job.startedAt))}</span>
    </button>
  </li>
);
