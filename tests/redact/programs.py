"""Small programs, each of which makes Python write a planted key; `test_hooks.py` runs each in a process of its own.

`KEY` stands for the synthetic key, which is never in a program's own text: a traceback prints source lines.
"""

from __future__ import annotations

SINKS: dict[str, str] = {
    "an uncaught exception": "raise ValueError(f'refused: {KEY}')",
    "a chained cause": """
try:
    int(KEY)
except ValueError as error:
    raise RuntimeError('outer') from error
""",
    "an implicit context": """
try:
    {}[KEY]
except KeyError:
    raise RuntimeError('outer')
""",
    "an exception group": "raise ExceptionGroup('several', [ExceptionGroup('inner', [ValueError(KEY)])])",
    "a note": """
error = ValueError('outer')
error.add_note(f'while sending {KEY}')
raise error
""",
    "exit with a message": "raise SystemExit(f'giving up: {KEY}')",
    "an assertion": "assert False, KEY",
    "an error of json with its document": """
import json
try:
    json.loads(KEY)
except json.JSONDecodeError as error:
    raise ValueError(vars(error)) from None
""",
    "an error of int": "int(KEY)",
    "an error of http.client": """
import http.client
connection = http.client.HTTPConnection('127.0.0.1', 9)
connection.putrequest = lambda *a, **k: None
connection._HTTPConnection__state = 'Request-started'
connection.putheader('x-api-key', KEY + '\\n')
""",
    "a repr of a dataclass": """
import dataclasses
@dataclasses.dataclass
class Provider:
    key: str
raise RuntimeError(repr(Provider(KEY)))
""",
    "an exception in a thread": """
import threading
def work(): raise ValueError(KEY)
thread = threading.Thread(target=work); thread.start(); thread.join()
""",
    "the name of a thread": """
import threading
def work(): raise ValueError('x')
thread = threading.Thread(target=work, name=KEY); thread.start(); thread.join()
""",
    "a destructor": """
class Provider:
    def __del__(self): raise ValueError(KEY)
Provider()
""",
    "a repr in a failing destructor": """
class Delete:
    def __repr__(self): return KEY
    def __call__(self, *_): raise ValueError('x')
import weakref
class Thing: pass
thing = Thing(); reference = weakref.ref(thing, Delete()); del thing
""",
    "a callback at exit": """
import atexit
def last(): raise ValueError(KEY)
atexit.register(last)
""",
    "a warning": "import warnings; warnings.warn(f'deprecated: {KEY}')",
    "a resource warning": """
import warnings; warnings.simplefilter('always')
import os, tempfile
folder = tempfile.mkdtemp(); path = os.path.join(folder, KEY)
def forget(): open(path, 'w')
forget()
os.remove(path); os.rmdir(folder)
""",
    "logging with arguments": "import logging; logging.getLogger('lib').error('refused %s', KEY)",
    "logging with a mapping": "import logging; logging.getLogger('lib').error('refused %(key)s', {'key': KEY})",
    "logging arguments that do not fit": "import logging; logging.getLogger('lib').error('refused %d', KEY)",
    "logging an exception": """
import logging
try:
    raise ValueError(KEY)
except ValueError:
    logging.getLogger('lib').exception('failed')
""",
    "logging with a stack": """
import logging
def work(key): logging.getLogger('lib').error('here', stack_info=True, extra={'key': key})
if not logging.getLogger().handlers:
    logging.basicConfig(format='%(key)s %(message)s')
work(KEY)
""",
    "a handler that a library adds": """
import logging, sys
handler = logging.StreamHandler(sys.stderr); handler.setFormatter(logging.Formatter('%(name)s %(message)s'))
logging.getLogger('lib').addHandler(handler); logging.getLogger('lib').propagate = False
try:
    raise ValueError(KEY)
except ValueError:
    logging.getLogger('lib').exception('failed with %s', KEY)
""",
    "a handler that writes past our stderr": """
import logging, os
handler = logging.StreamHandler(os.fdopen(2, 'w', closefd=False))
logging.getLogger('lib').addHandler(handler); logging.getLogger('lib').propagate = False
logging.getLogger('lib').error('failed with %s', KEY)
""",
    "a handler that fails": """
import logging
class Failing(logging.Handler):
    def emit(self, record):
        try:
            raise OSError(KEY)
        except OSError:
            self.handleError(record)
logging.getLogger('lib').addHandler(Failing()); logging.getLogger('lib').propagate = False
logging.getLogger('lib').error('failed with %s', KEY)
""",
    "logging without any handler": """
import logging
logging.getLogger().handlers.clear()
logging.getLogger('lib').error('failed with %s', KEY)
""",
    "a configuration of logging by a library": """
import logging
logging.basicConfig(level='DEBUG', force=True)
logging.getLogger('lib').debug('sending %s', {'x-api-key': KEY})
""",
    "a task whose exception nobody fetched": """
import asyncio, gc
async def work(): raise ValueError(KEY)
async def main():
    task = asyncio.ensure_future(work()); await asyncio.sleep(0); await asyncio.sleep(0); del task; gc.collect()
run(main())
""",
    "the name of a task": """
import asyncio, gc
async def work(): raise ValueError('x')
async def main():
    task = asyncio.create_task(work(), name=KEY); await asyncio.sleep(0); await asyncio.sleep(0); del task; gc.collect()
run(main())
""",
    "a callback of the loop": """
import asyncio
def callback(): raise ValueError(KEY)
async def main():
    asyncio.get_running_loop().call_soon(callback); await asyncio.sleep(0)
run(main())
""",
    "a callback of the loop in debug mode": """
import asyncio, functools
def callback(key): raise ValueError('x')
async def main():
    asyncio.get_running_loop().set_debug(True)
    asyncio.get_running_loop().call_soon(functools.partial(callback, key=KEY)); await asyncio.sleep(0)
run(main())
""",
    "an exception out of the loop": """
async def main(): raise ValueError(KEY)
run(main())
""",
    "an exception of another process": """
import concurrent.futures, multiprocessing
def work(key): raise ValueError(key)
with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context('fork')) as pool:
    pool.submit(work, KEY).result()
""",
    "a crash of a child process": """
import multiprocessing
def work(key): raise ValueError(key)
child = multiprocessing.get_context('fork').Process(target=work, args=(KEY,)); child.start(); child.join()
""",
    "a printed traceback": """
import traceback
try:
    raise ValueError(KEY)
except ValueError:
    traceback.print_exc()
""",
    "a printed traceback with locals": """
import sys, traceback
def work(key): raise ValueError('x')
try:
    work(KEY)
except ValueError as error:
    traceback.TracebackException.from_exception(error, capture_locals=True).print(file=sys.stderr)
""",
    "print to stderr": "import sys; print('sending', KEY, file=sys.stderr)",
    "print to stderr without a line end": "import sys; print('sending', KEY, end='', file=sys.stderr)",
    "writes to stderr in pieces": "import sys; [sys.stderr.write(c) for c in KEY + '\\n']",
    "a syntax error": "compile(f'x = = {KEY!r}', 'file', 'exec')",
    "a deep recursion": """
def deeper(key): return deeper(key) + key
try:
    deeper(KEY)
except RecursionError:
    raise ValueError(KEY)
""",
    "base64 of the header": "import base64; raise ValueError(base64.b64encode(f'Bearer {KEY}'.encode()))",
    "a percent-encoded address": """
raise ValueError('GET /x?key=' + ''.join(f'%{ord(c):02x}' for c in KEY))
""",
}
