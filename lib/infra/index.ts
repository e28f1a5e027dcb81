export { FleetData } from './fleet-data.ts';
export { DataStack, FleetStack, type FleetStackProps } from './stacks.ts';
export { StorageFleet, type StorageFleetProps } from './storage-fleet.ts';
