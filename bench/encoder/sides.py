"""A side: one process that embeds, asked line by line, and stopped while others have their turn.

Every side keeps its process, its weights and its threads, so no turn pays for a start.  A process
that waits for its turn is stopped (SIGSTOP): threads that spin between two runs, as ONNX Runtime's
do, would otherwise take the processor from whoever runs, and forbidding them to spin would slow
their own side down."""
import atexit
import ctypes
import os
import select
import signal
import subprocess
import time


class Gone(Exception):
    """The side cannot answer; the text says why."""


PR_SET_PDEATHSIG = 1
PRIORITY = int(os.environ.get("BENCH_PRIORITY", "0"))
LIBC = ctypes.CDLL(None)
ALIVE = set()


class Side:
    def __init__(self, command, threads, environment=None, start_seconds=120):
        self.buffer = b""
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})}, start_new_session=True,
            preexec_fn=lambda: prepare(threads))
        ALIVE.add(self)
        try:
            self.detail = self.line("ready", start_seconds)
        except Gone:
            self.end()
            raise
        self.sleep()

    def line(self, word, seconds):
        """The rest of the next line, which begins with `word`; not longer than `seconds`."""
        until = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Gone(f"no answer in {seconds} s")
            more = os.read(self.process.stdout.fileno(), 1 << 20)
            if not more:
                raise Gone(f"its process ended ({self.process.wait()})")
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        found, _, rest = line.decode().partition(" ")
        if found == word:
            return rest
        raise Gone(rest if found == "cannot" else f"answered {found[:40]}")

    def ask(self, question, word, seconds=60):
        """Asks while nobody else runs."""
        os.killpg(self.process.pid, signal.SIGCONT)
        try:
            self.process.stdin.write(question.encode() + b"\n")
            self.process.stdin.flush()
            return self.line(word, seconds)
        except OSError as error:
            raise Gone("its process ended") from error
        finally:
            self.sleep()

    def sleep(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGSTOP)

    def peak_memory(self):
        """The most memory it had resident, in bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))

    def end(self):
        ALIVE.discard(self)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def prepare(threads):
    """In the new process: its processors and priority; and it ends with us, however we end."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if PRIORITY:
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
        with open("/proc/self/autogroup", "w", encoding="ascii") as f:  # each session is weighed as a whole
            f.write(str(PRIORITY))
    os.sched_setaffinity(0, processors(threads))


@atexit.register
def end_all():
    for side in list(ALIVE):
        side.end()


def processors(threads):
    """The last of those that we may use: interrupts tend to go to the first."""
    return set(sorted(os.sched_getaffinity(0))[-threads:])
