// Runs after the tests: says which part was left out, and how to run it.
if (!process.env.API_URL) {
  console.error(`
The journey against a running backend was left out. To run it too, start \`make run\`, then here:

  API_URL=http://127.0.0.1:8000 npm test
`);
}
