import { subjectOf } from '../../cli/look/job-words.ts';
import { ActButton } from './act-button.tsx';
import { Dialog } from './dialog.tsx';
import type { Stage } from './dialogs.tsx';
import { formatBytes, plural } from './words.ts';

type JobStage = Stage & { readonly id: string };

const runningJob = ({ reading, id }: JobStage) =>
  reading.status.jobs.find((each) => each.id === id);

const close =
  ({ open }: Stage) =>
  () =>
    open(undefined);

export function PauseDialog(stage: JobStage) {
  const job = runningJob(stage);
  const act = (
    <ActButton
      {...stage}
      verb="pause"
      body={{ what: stage.id }}
      label="Pause the job"
      disabled={job === undefined}
    />
  );
  return (
    <Dialog title={titleOf('Pause', job)} close={close(stage)} actions={act}>
      {job === undefined ? (
        <p>The job has ended.</p>
      ) : (
        <p>
          {plural(job.movesInFlight, 'move')} in flight end; nothing more is sent until it is
          resumed: {formatBytes(job.bytesLeft)} are left. Its nodes stay as they are.
        </p>
      )}
    </Dialog>
  );
}

export function ResumeDialog(stage: JobStage) {
  const job = runningJob(stage);
  const act = (
    <ActButton
      {...stage}
      verb="resume"
      body={{ what: stage.id }}
      label="Resume the job"
      disabled={job === undefined}
    />
  );
  return (
    <Dialog title={titleOf('Resume', job)} close={close(stage)} actions={act}>
      {job === undefined ? (
        <p>The job has ended.</p>
      ) : (
        <p>{formatBytes(job.bytesLeft)} are left; what waits is sent at once.</p>
      )}
    </Dialog>
  );
}

export function RetryDialog(stage: JobStage) {
  const job = stage.reading.ended.find(({ id }) => id === stage.id);
  const act = (
    <ActButton
      {...stage}
      verb="retry"
      body={{ job: stage.id }}
      label="Start a new job"
      disabled={job === undefined}
    />
  );
  return (
    <Dialog title={titleOf('Retry', job)} close={close(stage)} actions={act}>
      <p>A new job is started for what this one was for. What moved is not moved again.</p>
    </Dialog>
  );
}

export function CancelBatchDialog({ name, ...stage }: Stage & { readonly name: string }) {
  const batch = stage.reading.batches.find((each) => each.batch === name);
  const act = (
    <ActButton
      {...stage}
      verb="cancel"
      body={{ what: name }}
      label="Cancel the batch"
      tone="danger"
      disabled={batch === undefined}
    />
  );
  return (
    <Dialog title={`Cancel batch ${name}`} close={close(stage)} actions={act}>
      {batch === undefined ? (
        <p>The batch has ended.</p>
      ) : (
        <p>
          {batch.movesDone} of {plural(batch.moves, 'move')} from {batch.from} to {batch.to} are
          done and stay done; the rest leaves no trace. A drain plans it again, because a node
          leaves only empty.
        </p>
      )}
    </Dialog>
  );
}

type Named = Stage['reading']['ended'][number];

const titleOf = (what: string, job: Named | undefined): string =>
  job === undefined ? what : `${what} the ${job.kind} of ${subjectOf(job)}`;
