/** How often each happens, as a weight of the seed. */
export interface Mix {
  readonly drain: number;
  readonly cancel: number;
  readonly undrain: number;
  readonly rebalance: number;
  readonly scaleOut: number;
  readonly replay: number;
  readonly alarm: number;
  readonly pause: number;
  readonly cancelBatch: number;
}
