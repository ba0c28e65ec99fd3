// Run before the server in its process: signals make it fail where nobody waits for the result.
process.on('SIGUSR2', () => {
  void Promise.reject(new Error('planted rejection'));
});
process.on('SIGWINCH', () => {
  setImmediate(() => {
    throw new Error('planted exception');
  });
});
