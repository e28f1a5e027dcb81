/** The CDK app: `cdk synth` and `cdk deploy` run it, and so does the local cloud. */
import { App, Tags, Validations } from 'aws-cdk-lib';
import settings from '../cdk.json' with { type: 'json' };
import { tagFleet } from '../lib/contract/env.ts';
import { BadContext, parseAppSettings } from '../lib/infra/app-settings.ts';
import { DataStack, FleetStack } from '../lib/infra/index.ts';

try {
  await synthesise();
} catch (error) {
  if (!(error instanceof BadContext)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}

async function synthesise(): Promise<void> {
  // Version reporting would add a resource with a condition over every region.
  // The flags of cdk.json count without the CLI too, so that both give the same template.
  const app = new App({ analyticsReporting: false, context: settings.context });
  const { fleet, checks } = parseAppSettings((key) => app.node.tryGetContext(key));
  if (checks === 'nag') {
    const { AwsSolutionsChecks } = await import('cdk-nag');
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  }
  const { data } = new DataStack(app, `${fleet.fleetName}-data`, {
    description: 'Ballast: placement, files, certificates, keys. Outlives the fleet.',
    terminationProtection: true,
  });
  new FleetStack(app, `${fleet.fleetName}-fleet`, {
    ...fleet,
    data,
    description: 'Ballast: the nodes and the control plane.',
  });
  // CloudFormation's checkers know no tags of dashboards yet.
  const excludeResourceTypes = ['AWS::CloudWatch::Dashboard'];
  Tags.of(app).add(tagFleet, fleet.fleetName, { excludeResourceTypes });
  app.synth();
}
