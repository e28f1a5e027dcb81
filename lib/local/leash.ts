/** Loaded before a node's own program: ends it when the local cloud that started it dies. */
process.on('disconnect', () => process.exit(1));
process.channel?.unref();
