import { subjectOf } from '../../cli/look/job-words.ts';
import { ActButton } from './act-button.tsx';
import { Dialog } from './dialog.tsx';
import type { Stage } from './dialogs.tsx';
import { formatBytes, plural } from './words.ts';

export function UndrainDialog({ name, ...stage }: Stage & { readonly name: string }) {
  const node = stage.reading.nodes.find((each) => each.node === name);
  const job = stage.reading.status.jobs.find(({ id }) => id === node?.job);
  return (
    <Dialog
      title={`Undrain ${name}`}
      close={() => stage.open(undefined)}
      actions={
        <ActButton {...stage} verb="undrain" body={{ node: name }} label={`Give ${name} back`} />
      }
    >
      {job === undefined ? (
        <p>No running job drains {name}.</p>
      ) : (
        <p>
          The {job.kind} of {subjectOf(job)} ends for all of its nodes; they take copies again. What
          moved stays where it is: {formatBytes(job.bytesDone)} of {formatBytes(job.bytesPlanned)}{' '}
          so far.
        </p>
      )}
    </Dialog>
  );
}

export function CancelDialog({ id, ...stage }: Stage & { readonly id: string }) {
  const job = stage.reading.status.jobs.find((each) => each.id === id);
  const act = (
    <ActButton
      {...stage}
      verb="cancel"
      body={{ what: id }}
      label="Cancel the job"
      tone="danger"
      disabled={job === undefined}
    />
  );
  return (
    <Dialog
      title={job === undefined ? 'Cancel' : `Cancel the ${job.kind} of ${subjectOf(job)}`}
      close={() => stage.open(undefined)}
      actions={act}
    >
      {job === undefined ? (
        <p>The job has ended.</p>
      ) : (
        <p>
          {job.movesDone} of {plural(job.movesPlanned, 'move')} are done (
          {formatBytes(job.bytesDone)} of {formatBytes(job.bytesPlanned)}) and stay done.{' '}
          {plural(job.movesInFlight, 'move')} in flight leave no trace unless they commit first. Its
          nodes are given back.
        </p>
      )}
    </Dialog>
  );
}
