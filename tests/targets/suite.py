# Runs test cases of python's own suite, and says of each how it ended: a line each, in the order of the run.
#   suite.py MODULE[.CLASS[.METHOD]]...      without "test."; -MODULE.CLASS.METHOD leaves one out
import os, sys, tempfile, unittest
from test import support

support.use_resources = []  # no network, no sound, nothing that takes long


class Result(unittest.TestResult):
    def say(self, test, how):
        how = how.replace('\n', ' | ')
        print(f'\ncase {test.id()} {how}', flush=True)  # tests write what they like, and end no lines

    def addSuccess(self, test):
        self.say(test, 'passed')

    def addSkip(self, test, reason):
        self.say(test, 'skipped')

    def addExpectedFailure(self, test, error):
        self.say(test, 'failed as expected')

    def addUnexpectedSuccess(self, test):
        self.say(test, 'passed unexpectedly')

    def addFailure(self, test, error):
        self.say(test, 'failed: ' + self._exc_info_to_string(error, test))

    def addError(self, test, error):
        self.say(test, 'failed with ' + self._exc_info_to_string(error, test))

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.say(subtest, 'failed: ' + self._exc_info_to_string(error, test))


def cases(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        else:
            yield test


wanted = [name for name in sys.argv[1:] if name[0] != '-']
unwanted = {'test.' + name[1:] for name in sys.argv[1:] if name[0] == '-'}
result = Result()
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromName('test.' + name) for name in wanted)

    def filtered(suite):
        kept = unittest.TestSuite()
        kept.addTests(test for test in cases(suite) if not any(test.id() == u or test.id().startswith(u + '.') for u in unwanted))
        return kept

    # Classes and modules are set up once for the tests that follow one another.
    filtered(suite).run(result)
    os.chdir('/')
print(f'\ncase run: {result.testsRun}')
