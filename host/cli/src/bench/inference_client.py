"""Measures servers of the Open Inference Protocol with tritonclient beside a bare ONNX Runtime call, in turns.

Argument: JSON {"servers": [{"name", "grpc", "http"}], "models": {NAME: {"file", "shape", "runs"}}, "clients": [..], "seconds"}.
Prints JSON rows {"model", "server", "via", "clients", "p50_us", "p99_us", "overhead_us", "overhead_p5_us", "per_s"}; those of calls
without inference have "p5_us" and no overhead; those that a server refuses carry "reason".
"""
import json
import sys
import threading
import time

import numpy as np
import onnxruntime as ort
import tritonclient.grpc as tgrpc
import tritonclient.http as thttp

job = json.loads(sys.argv[1])
rows = []


def one(mod, client, model, array, output):
    given = mod.InferInput("input", list(array.shape), "FP32")
    given.set_data_from_numpy(array)
    return client.infer(model, [given]).as_numpy(output)


def open_client(via, server):
    return (tgrpc, tgrpc.InferenceServerClient(server["grpc"])) if via == "grpc" else (thttp, thttp.InferenceServerClient(server["http"]))


def sequential(model, spec):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(spec["file"], options, providers=["CPUExecutionProvider"])
    output = session.get_outputs()[0].name
    array = np.random.default_rng(1).standard_normal(spec["shape"], dtype=np.float32)
    ways = {("raw", "call"): lambda: session.run(None, {"input": array})[0]}
    for server in job["servers"]:
        for via in ("grpc", "http"):
            mod, client = open_client(via, server)
            call = lambda mod=mod, client=client: one(mod, client, model, array, output)
            try:
                got = call()
                if got is None or not np.allclose(got, ways[("raw", "call")](), atol=1e-4):
                    raise ValueError("the answer differs from the bare call's")
                ways[(server["name"], via)] = call
                # What protocol and client cost without any tensor or model behind them.
                ways[(server["name"], f"{via} without inference")] = client.is_server_live
            except Exception as error:  # what a server cannot do is a row as well
                reason = str(error).splitlines()[0][:120]
                rows.append({"model": model, "server": server["name"], "via": via, "clients": 1, "reason": reason})
    times = {way: [] for way in ways}
    for turn in range(spec["runs"]):
        for way, call in ways.items():
            started = time.perf_counter_ns()
            call()
            if turn >= spec["runs"] // 10:
                times[way].append((time.perf_counter_ns() - started) / 1000)
    bare, quick = (float(value) for value in np.percentile(times[("raw", "call")], [50, 5]))
    for (server, via), taken in times.items():
        p5, p50, p99 = (float(value) for value in np.percentile(taken, [5, 50, 99]))
        rows.append({
            "model": model, "server": server, "via": via, "clients": 1, "p50_us": p50, "p99_us": p99,
            **({"p5_us": p5} if "without" in via else {"overhead_us": p50 - bare, "overhead_p5_us": p5 - quick}),
        })


def concurrent(model, spec, server, via, clients):
    session = ort.InferenceSession(spec["file"], providers=["CPUExecutionProvider"])
    output = session.get_outputs()[0].name
    array = np.random.default_rng(1).standard_normal(spec["shape"], dtype=np.float32)
    until = time.perf_counter() + job["seconds"]
    taken, failed = [], []

    def work():
        mod, client = open_client(via, server)
        try:
            while time.perf_counter() < until:
                started = time.perf_counter_ns()
                one(mod, client, model, array, output)
                taken.append((time.perf_counter_ns() - started) / 1000)
        except Exception as error:
            failed.append(str(error).splitlines()[0][:120])

    threads = [threading.Thread(target=work) for _ in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    row = {"model": model, "server": server["name"], "via": via, "clients": clients}
    if failed or not taken:
        rows.append({**row, "reason": (failed or ["no answer"])[0]})
        return
    p50, p99 = (float(value) for value in np.percentile(taken, [50, 99]))
    rows.append({**row, "p50_us": p50, "p99_us": p99, "per_s": len(taken) / seconds})


for model, spec in job["models"].items():
    sequential(model, spec)
small = next(iter(job["models"]))
for server in job["servers"]:
    for via in ("grpc", "http"):
        if any(row.get("reason") and (row["model"], row["server"], row["via"]) == (small, server["name"], via) for row in rows):
            continue
        for clients in job["clients"]:
            concurrent(small, job["models"][small], server, via, clients)
print(json.dumps(rows))
