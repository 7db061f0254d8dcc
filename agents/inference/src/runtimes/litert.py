"""The process of one model under LiteRT. Speaks the frames of process/channel.ts on file descriptor 3 and the messages of
process/messages.ts: load, infer, measure, cancel. Ends when the agent's end of the channel closes."""

import json
import math
import os
import select
import signal
import socket
import struct
import threading
import time

import ai_edge_litert
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from litert_schedule import offline_samples, poisson_gaps, sample_order

CPU_EVERY_S = 0.005
# A sleep ends late; the last stretch before an arrival is waited for with the processor.
SPIN_NS = 2_000_000
# How often a warm-up says that it goes on: its length is nobody's fault, that of one inference is.
WARMING_NS = 100_000_000
TYPES = {
    "bool": "BOOL", "uint8": "UINT8", "uint16": "UINT16", "uint32": "UINT32", "uint64": "UINT64", "int8": "INT8",
    "int16": "INT16", "int32": "INT32", "int64": "INT64", "float16": "FP16", "float32": "FP32", "float64": "FP64",
}
NUMPY = {oip: np.dtype(name) for name, oip in TYPES.items()}


class RequestError(Exception):
    """The inputs do not fit the model: the fault of whoever sent them."""


def padded(length):
    return -(-length // 8) * 8


class Channel:
    def __init__(self):
        self.socket = socket.socket(fileno=3)
        self.socket.setblocking(True)
        self.lock = threading.Lock()

    def exactly(self, size):
        data = bytearray(size)
        view = memoryview(data)
        while view:
            got = self.socket.recv_into(view)
            if got == 0:
                os._exit(0)
            view = view[got:]
        return data

    def receive(self):
        head, body = struct.unpack("<II", self.exactly(8))
        return json.loads(self.exactly(head)), self.exactly(body)

    def waiting(self):
        return bool(select.select([self.socket], [], [], 0)[0])

    def send(self, header, parts=()):
        text = json.dumps(header).encode()
        size = sum(padded(len(part)) for part in parts)
        with self.lock:
            self.socket.sendall(struct.pack("<II", len(text), size) + text)
            for part in parts:
                self.socket.sendall(part)
                self.socket.sendall(bytes(padded(len(part)) - len(part)))


channel = Channel()


def infos(details):
    found = []
    for detail in details:
        name = np.dtype(detail["dtype"]).name
        if name not in TYPES:
            raise ValueError(f"{detail['name']} is of type {name}, which is not served")
        shape = detail["shape_signature"] if len(detail["shape_signature"]) else detail["shape"]
        found.append({"name": detail["name"], "type": TYPES[name], "shape": [int(n) for n in shape]})
    return found


class Model:
    def __init__(self, file, threads):
        self.interpreter = Interpreter(model_path=file, num_threads=threads)
        self.interpreter.allocate_tensors()
        self.inputs = self.interpreter.get_input_details()
        self.outputs = self.interpreter.get_output_details()

    def prepare(self, tensors):
        resized = False
        for detail, array in zip(self.inputs, tensors):
            if list(detail["shape"]) != list(array.shape):
                self.interpreter.resize_tensor_input(detail["index"], array.shape, strict=True)
                resized = True
        if resized:
            self.interpreter.allocate_tensors()
            self.inputs = self.interpreter.get_input_details()
        for detail, array in zip(self.inputs, tensors):
            self.interpreter.set_tensor(detail["index"], array)

    def read(self):
        return [self.interpreter.get_tensor(detail["index"]) for detail in self.outputs]


def arrays(heads, body, at=0):
    found = []
    for head in heads:
        count = head["bytes"] // NUMPY[head["type"]].itemsize
        found.append(np.frombuffer(body, NUMPY[head["type"]], count, at).reshape(head["dims"]))
        at += padded(head["bytes"])
    return found, at


def infer(model, call, request, body):
    t0 = time.monotonic_ns()
    try:
        model.prepare(arrays(request["tensors"], body)[0])
    except (ValueError, RuntimeError) as error:
        raise RequestError(str(error)) from error
    t1 = time.monotonic_ns()
    model.interpreter.invoke()
    t2 = time.monotonic_ns()
    results = model.read()
    parts = [result.tobytes() for result in results]
    heads = [
        {"type": TYPES[result.dtype.name], "dims": list(result.shape), "bytes": len(part)}
        for result, part in zip(results, parts)
    ]
    t3 = time.monotonic_ns()
    channel.send({"call": call, "kind": "inferred", "tensors": heads, "pre_ns": t1 - t0, "inference_ns": t2 - t1, "post_ns": t3 - t2}, parts)


def cancelled():
    """A cancel is all that may come while a measurement runs."""
    return channel.waiting() and channel.receive()[0]["request"]["op"] == "cancel"


def query(model, order, sets, samples):
    """One query, its samples one after the other: nanoseconds of pre, inference and post."""
    pre, inside, post = 0, 0, 0
    for _ in range(samples):
        t0 = time.monotonic_ns()
        model.prepare(sets[next(order)])
        t1 = time.monotonic_ns()
        model.interpreter.invoke()
        t2 = time.monotonic_ns()
        model.read()
        t3 = time.monotonic_ns()
        pre, inside, post = pre + t1 - t0, inside + t2 - t1, post + t3 - t2
    return pre, inside, post


def wait_until(at_ns):
    left = at_ns - time.monotonic_ns()
    if left > SPIN_NS:
        time.sleep((left - SPIN_NS) / 1e9)
    while time.monotonic_ns() < at_ns:
        pass


def window_of(model, order, sets, spec, index, whole):
    """One window as process/measure.ts has it, of `whole` samples where it is offline; whether it was cancelled, its head and
    its latencies in microseconds."""
    server = spec["scenario"] == "server"
    samples = spec["samples_per_query"] if spec["scenario"] == "multi-stream" else 1
    gaps = poisson_gaps(spec["target_per_s"], spec["seed"] + index) if server else None
    latencies, count, pre, inside, post, stop = [], 0, 0, 0, 0, False
    arrival = start = stop_at = time.monotonic_ns()
    until = start + int(spec["window_s"] * 1e9)
    if spec["markers"]:
        channel.send({"kind": "marker", "level": 1, "at_ns": str(start)})
    while not stop and (count < whole if whole else server or stop_at < until):
        if server:
            arrival += next(gaps)
            if arrival >= until:
                break
            if stop_at >= until + spec["window_s"] * 1e9:
                latencies.append((stop_at - arrival) / 1000)
                continue
            wait_until(arrival)
        parts = query(model, order, sets, samples)
        stop_at = time.monotonic_ns()
        latencies.append((stop_at - arrival if server else parts[1]) / 1000)
        count, pre, inside, post = count + samples, pre + parts[0], inside + parts[1], post + parts[2]
        stop = cancelled()
    if server and not stop and stop_at < until:
        wait_until(until)
        stop_at = time.monotonic_ns()
    if spec["markers"]:
        channel.send({"kind": "marker", "level": 0, "at_ns": str(stop_at)})
    mean = [part / 1000 / count if count else 0 for part in (pre, inside, post)]
    head = {
        "index": index, "start_ns": str(start), "stop_ns": str(stop_at), "inferences": count,
        "pre_us": mean[0], "inference_us": mean[1], "post_us": mean[2],
    }
    return stop, head, latencies


def measure(model, call, spec, body):
    sets, at = [], 0
    for heads in spec["sets"]:
        tensors, at = arrays(heads, body, at)
        sets.append(tensors)
    order = sample_order(len(sets), spec["seed"])
    told = time.monotonic_ns()
    offline = spec["scenario"] == "offline"
    warmup = max(1, spec["warmup"]) if offline else spec["warmup"]
    fastest = math.inf
    for done in range(warmup):
        before = time.monotonic_ns()
        query(model, order, sets, 1)
        now = time.monotonic_ns()
        fastest = min(fastest, now - before)
        if now - told >= WARMING_NS:
            told = now
            channel.send({"call": call, "kind": "warming", "inferences": done + 1})
    channel.send({"call": call, "kind": "warmed", "inferences": warmup})
    whole = offline_samples(spec["window_s"], fastest) if offline else None
    for index in range(spec["windows"]):
        time.sleep(spec["gap_ms"] / 1000)
        stop, head, latencies = window_of(model, order, sets, spec, index, whole)
        if stop:
            break
        time.sleep(spec["gap_ms"] / 1000)
        channel.send({"call": call, "kind": "window", "window": head}, [np.array(latencies, np.float64).tobytes()])
    channel.send({"call": call, "kind": "measured"})


def load(call, request):
    started = time.monotonic()
    model = Model(request["file"], request["threads"])
    channel.send({
        "call": call, "kind": "loaded", "inputs": infos(model.inputs), "outputs": infos(model.outputs),
        "runtime": {"name": "litert", "version": ai_edge_litert.__version__}, "load_ms": (time.monotonic() - started) * 1000,
    })
    return model


def report_cpu():
    while True:
        time.sleep(CPU_EVERY_S)
        channel.send({"kind": "cpu-time", "cpu_ns": str(time.process_time_ns()), "at_ns": str(time.monotonic_ns())})


def main():
    # A terminal's Ctrl-C reaches the whole group; the agent decides when its models end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if not os.path.exists(f"/proc/{os.getpid()}/schedstat"):
        threading.Thread(target=report_cpu, daemon=True).start()
    model = None
    while True:
        header, body = channel.receive()
        call, request = header["call"], header["request"]
        try:
            if request["op"] == "load":
                model = load(call, request)
            elif request["op"] == "infer":
                infer(model, call, request, body)
            elif request["op"] == "measure":
                measure(model, call, request["spec"], body)
        except Exception as error:  # told to the agent, whatever it is
            fault = "request" if isinstance(error, RequestError) else "model"
            channel.send({"call": call, "kind": "failed", "message": f"{error}" or type(error).__name__, "fault": fault})


main()
