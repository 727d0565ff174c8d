/** The other end of measured-process.mjs: prepares one contender, then answers one question after the other. */
const [work, cell] = process.argv.slice(2);
const prepared = import(`../work/${work}.mjs`).then(({ prepare }) => prepare(JSON.parse(cell)));

process.on('message', ({ method, argument }) => {
  answer(method, argument).then(
    (value) => process.send({ value }),
    (error) => process.send({ error: error?.stack ?? String(error) }),
  );
});

process.on('disconnect', () => process.exit(0));

async function answer(method, argument) {
  const subject = await prepared;
  return method === 'ready' ? subject.about : subject[method](argument);
}
