"""Small programs that make Python, or a library, write a planted key; beside those of `tests/redact/programs.py`.

`KEY` stands for the synthetic key and `run` for what runs a coroutine. The first ones go on after what they do, so that
they share a process; each of the others ends its own.
"""

from __future__ import annotations

GOING_ON: dict[str, str] = {
    "an exception in a thread pool that is logged": """
import concurrent.futures, logging
def work(key): raise ValueError(key)
with concurrent.futures.ThreadPoolExecutor(1) as pool:
    try: pool.submit(work, KEY).result()
    except ValueError: logging.getLogger('pool').exception('a job failed')
""",
    "a callback of a future that fails": """
import concurrent.futures
future = concurrent.futures.Future()
future.add_done_callback(lambda done: int(done.result()))
future.set_result(KEY)
""",
    "groups five deep with notes and causes": """
import logging
def nested(depth):
    error = ValueError(KEY) if depth == 0 else ExceptionGroup(f'level {depth}', [nested(depth - 1)])
    error.add_note(f'note {depth}: {KEY}')
    error.__cause__ = KeyError(KEY)
    return error
try: raise nested(6)
except ExceptionGroup: logging.getLogger('lib').exception('many')
""",
    "a chain of contexts": """
import logging
def deeper(n):
    try:
        if n == 0: raise KeyError(KEY)
        deeper(n - 1)
    except Exception as error: raise RuntimeError(f'level {n}')
try: deeper(8)
except RuntimeError: logging.getLogger('lib').exception('chained')
""",
    "locals captured by a library": """
import logging, traceback
def work(key): raise ValueError('x')
try: work(KEY)
except ValueError as error:
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    logging.getLogger('lib').error(''.join(shown.format()))
""",
    "sqlite's trace of a statement": """
import sqlite3, sys
connection = sqlite3.connect(':memory:')
connection.set_trace_callback(lambda statement: print(statement, file=sys.stderr))
connection.execute('select ?', (KEY,)).fetchall()
""",
    "an error in sqlite's callback": """
import sqlite3
sqlite3.enable_callback_tracebacks(True)
connection = sqlite3.connect(':memory:')
def work(text): raise ValueError(text)
connection.create_function('work', 1, work)
try: connection.execute('select work(?)', (KEY,)).fetchall()
except sqlite3.Error: pass
""",
    "uvicorn's own loggers": """
import logging, logging.config, uvicorn.config
logging.config.dictConfig(uvicorn.config.LOGGING_CONFIG | {'disable_existing_loggers': False})
logging.getLogger('uvicorn.error').error('refused %s', KEY)
try: raise ValueError(KEY)
except ValueError: logging.getLogger('uvicorn.error').exception('Exception in ASGI application')
""",
    "starlette's answer to an exception": """
import logging
from starlette.applications import Starlette
from starlette.routing import Route
async def page(request): raise ValueError(KEY)
async def main():
    app = Starlette(routes=[Route('/', page)])
    scope = {'type': 'http', 'method': 'GET', 'path': '/', 'raw_path': b'/', 'query_string': b'', 'headers': [],
             'http_version': '1.1', 'scheme': 'http', 'server': ('x', 1), 'client': ('y', 2), 'root_path': ''}
    async def receive(): return {'type': 'http.request', 'body': b''}
    async def send(message): pass
    try: await app(scope, receive, send)
    except ValueError: logging.getLogger('uvicorn.error').exception('Exception in ASGI application')
run(main())
""",
    "every library at debug": """
import asyncio, logging
if not logging.getLogger().handlers: logging.basicConfig()
logging.getLogger().setLevel(logging.DEBUG)
for name in ('asyncio', 'concurrent.futures', 'urllib3', 'httpx', 'httpcore.http11'):
    logging.getLogger(name).debug('send_request_headers %r', [(b'x-api-key', KEY.encode())])
""",
    "a record with the key in its own fields": """
import logging
if not logging.getLogger().handlers: logging.basicConfig()
logging.getLogger(KEY).warning('x')
logging.getLogger('lib').warning('x', extra={'taskName': KEY})
""",
    "a slow callback in debug mode": """
import asyncio, functools, logging, time
logging.getLogger().setLevel(logging.DEBUG)
def slow(key): time.sleep(0.02)
async def main():
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.001
    loop.call_soon(functools.partial(slow, KEY))
    await asyncio.sleep(0.01)
run(main())
""",
    "a coroutine that nobody awaited": """
import gc, warnings
warnings.simplefilter('always')
class Named: pass
async def work(key): pass
work.__qualname__ = work.__name__ = KEY
coroutine = work(1); coroutine.__qualname__ = KEY
del coroutine; gc.collect()
""",
    "an asynchronous generator that fails as it is closed": """
import asyncio, gc
async def items():
    try: yield 1
    finally: raise ValueError(KEY)
async def main():
    generator = items(); await anext(generator)
    del generator; gc.collect(); await asyncio.sleep(0.01)
run(main())
""",
    "a context variable shown in a report": """
import asyncio, contextvars
held = contextvars.ContextVar('held'); held.set(KEY)
async def main():
    asyncio.get_running_loop().call_exception_handler({'message': 'x', 'context': dict(contextvars.copy_context())})
run(main())
""",
    "a transport's fatal error": """
import asyncio
async def main():
    class Broken(asyncio.Protocol):
        def connection_made(self, transport): raise ValueError(KEY)
    server = await asyncio.get_running_loop().create_server(Broken, '127.0.0.1', 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    await asyncio.sleep(0.02); writer.close(); server.close()
run(main())
""",
}

ENDING: dict[str, str] = {
    "memory that is used up": "raise MemoryError(KEY)",
    "exit with a message out of a function at exit": """
import atexit, sys
def last(): sys.exit(KEY)
atexit.register(last)
""",
    "an interpreter that ends with a thread that fails": """
import threading, time
def work():
    time.sleep(0.05); raise ValueError(KEY)
threading.Thread(target=work, name=KEY).start()
""",
    "a group that nobody catches": """
error = ValueError(KEY)
for depth in range(7):
    error.add_note(KEY)
    error = ExceptionGroup(f'level {depth}', [error, KeyError(KEY)])
raise error
""",
    "the end of the process in the middle of a line": "import os, sys; sys.stderr.write(KEY + '\\n'); os._exit(3)",
}

CRASHES: dict[str, str] = {
    "SIGSEGV": "import ctypes\ndef crash(key): ctypes.string_at(0)\ncrash(KEY)",
    "SIGABRT": "import os\ndef crash(key): os.abort()\ncrash(KEY)",
    "SIGFPE": "import os, signal\ndef crash(key): os.kill(os.getpid(), signal.SIGFPE)\ncrash(KEY)",
    "a fatal error of the interpreter": "import faulthandler\ndef crash(key): faulthandler._fatal_error_c_thread()\n"
    "import time\ncrash(KEY); time.sleep(5)",
}
"""Native ones: what is written names files and lines, and nothing of what the functions were given."""

MODES: dict[str, dict[str, str]] = {
    "as it is": {},
    "debug modes": {"PYTHONDEVMODE": "1", "PYTHONTRACEMALLOC": "1", "PYTHONASYNCIODEBUG": "1"},
}
