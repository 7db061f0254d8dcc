"""Judges an inference agent with the official tritonclient, gRPC and HTTP alike.

Arguments: GRPC HTTP METRICS DATASET MODEL_FILE. Prints one JSON line per check: {"check", "ok", "detail"}.
"""
import asyncio, csv, json, queue, sys, threading, urllib.error, urllib.request
import ml_dtypes
import numpy as np
import tritonclient.grpc as tgrpc
import tritonclient.http as thttp
import tritonclient.http.aio as taio
from tritonclient.utils import InferenceServerException, deserialize_bytes_tensor

grpc_at, http_at, metrics_url, dataset, model_file = sys.argv[1:6]
clients = {
    "grpc": (tgrpc, tgrpc.InferenceServerClient(grpc_at)),
    "http": (thttp, thttp.InferenceServerClient(http_at, concurrency=8)),
}


def report(check, ok, detail=""):
    print(json.dumps({"check": check, "ok": bool(ok), "detail": str(detail)[:400]}), flush=True)


def case(name, body):
    try:
        result = body()
        report(name, result is None or result is True, "" if result in (None, True) else result)
    except Exception as error:  # every failure is a result
        report(name, False, f"{type(error).__name__}: {error}")


def refused(name, body, status, words):
    try:
        result = body()
        report(name, False, f"was not refused: {result}")
    except InferenceServerException as error:
        fits = str(error.status()) in status and words in error.message()
        report(name, fits, f"{error.status()} {error.message()}")
    except Exception as error:
        report(name, False, f"{type(error).__name__}: {error}")


def tensor(mod, name, array, datatype=None, **how):
    given = mod.InferInput(name, list(array.shape), datatype or {
        "bool": "BOOL", "uint8": "UINT8", "uint16": "UINT16", "uint32": "UINT32", "uint64": "UINT64", "int8": "INT8",
        "int16": "INT16", "int32": "INT32", "int64": "INT64", "float16": "FP16", "float32": "FP32", "float64": "FP64",
        "object": "BYTES",
    }[array.dtype.name])
    given.set_data_from_numpy(array, **how)
    return given


SAMPLES = {
    "BOOL": np.array([[True, False, True]]),
    "UINT8": np.array([[0, 255, 7]], np.uint8),
    "UINT16": np.array([[0, 65535, 7]], np.uint16),
    "UINT32": np.array([[0, 4294967295, 7]], np.uint32),
    "UINT64": np.array([[0, 18446744073709551615, 2**53 + 1]], np.uint64),
    "INT8": np.array([[-128, 127, 0]], np.int8),
    "INT16": np.array([[-32768, 32767, 0]], np.int16),
    "INT32": np.array([[-2147483648, 2147483647, 0]], np.int32),
    "INT64": np.array([[-9223372036854775808, 9223372036854775807, 2**53 + 1]], np.int64),
    "FP16": np.array([[1.5, -65504, np.inf]], np.float16),
    "FP32": np.array([[1.5, -3.4e38, 1e-40]], np.float32),
    "FP64": np.array([[1.5, -1.7e308, 5e-324]], np.float64),
    "BYTES": np.array([[b"plain", b"", "käse €".encode()]], dtype=object),
}
ODD_BYTES = np.array([[bytes(range(256)), b"\x00", b"a\x00b\x00"]], dtype=object)


def equal(got, want):
    if got is None:
        return "no such output"
    same = got.shape == want.shape and got.tobytes() == want.tobytes() if want.dtype != object else got.tolist() == want.tolist()
    return True if same else f"{got!r} != {want!r}"


def datatypes(kind, mod, client):
    for name, array in SAMPLES.items():
        model = f"id-{name.lower()}"
        case(f"{kind} {name} raw", lambda: equal(client.infer(model, [tensor(mod, "x", array)]).as_numpy("y"), array))
        if kind == "http" and name != "FP16":
            # JSON in, binary out; then both ways JSON.
            case(f"http {name} JSON in", lambda: equal(client.infer(model, [tensor(mod, "x", array, binary_data=False)]).as_numpy("y"), array))
            out = [mod.InferRequestedOutput("y", binary_data=False)]
            # The client leaves the text of a JSON answer as text.
            want = np.array([[part.decode() for part in array[0]]], dtype=object) if name == "BYTES" else array
            case(f"http {name} JSON out", lambda: equal(
                client.infer(model, [tensor(mod, "x", array, binary_data=False)], outputs=out).as_numpy("y"), want))
    case(f"{kind} BYTES arbitrary", lambda: equal(client.infer("id-bytes", [tensor(mod, "x", ODD_BYTES)]).as_numpy("y"), ODD_BYTES))

    def bf16():
        array = np.array([[1.0, -2.5, 3.0e38, 1e-40, np.inf, -0.0]], ml_dtypes.bfloat16)
        given = mod.InferInput("x", [1, 6], "BF16")
        given.set_data_from_numpy(array)
        got = client.infer("id-bf16", [given]).as_numpy("y")
        return got.astype(ml_dtypes.bfloat16).tobytes() == array.tobytes() or f"{got!r}"

    case(f"{kind} BF16 raw", bf16)
    metadata = client.get_model_metadata("id-bf16", **({"as_json": True} if kind == "grpc" else {}))
    case(f"{kind} BF16 metadata", lambda: metadata["inputs"][0] == {**metadata["inputs"][0], "name": "x", "datatype": "BF16"})


def keyword(kind, mod, client):
    raw = np.fromfile(f"{dataset}/kws/kws01-inputs.bin", np.int8).reshape(-1, 10, 49)
    labels = [int(row["class"]) for row in csv.DictReader(open(f"{dataset}/kws/kws01-inputs.csv"))]
    right = 0
    for record, label in zip(raw, labels):
        values = (record.T.astype(np.float32) * np.float32(0.33674246)).reshape(1, 490)
        result = client.infer("kws_ref_model", [tensor(mod, "input_1", values)])
        right += int(np.argmax(result.as_numpy("dense"))) == label
    report(f"{kind} keyword model: 182 of 200 right", right == 182, right)


def surface(kind, mod, client):
    as_json = {"as_json": True} if kind == "grpc" else {}
    case(f"{kind} live, ready", lambda: client.is_server_live() and client.is_server_ready())
    case(f"{kind} model ready", lambda: client.is_model_ready("id-fp32") and client.is_model_ready("id-fp32", "1"))
    case(f"{kind} unknown model, version not ready", lambda: not client.is_model_ready("moon") and not client.is_model_ready("id-fp32", "9"))
    case(f"{kind} broken model not ready", lambda: not client.is_model_ready("broken"))
    extensions = {"binary_tensor_data", "model_repository", "model_configuration", "statistics", "classification", "parameters"}
    case(f"{kind} server metadata", lambda: set(client.get_server_metadata(**as_json)["extensions"]) == extensions)
    metadata = client.get_model_metadata("id-int64", **as_json)
    case(f"{kind} metadata", lambda: (metadata["platform"], metadata["versions"], metadata["inputs"][0]["datatype"],
                                      [int(n) for n in metadata["inputs"][0]["shape"]]) == ("onnxruntime_onnx", ["1"], "INT64", [-1, -1]))
    config = client.get_model_config("id-int64", **as_json)
    config = config.get("config", config)
    case(f"{kind} config", lambda: (config["name"], config["backend"], config["input"][0]["data_type"], int(config.get("max_batch_size", 0)))
         == ("id-int64", "onnxruntime", "TYPE_INT64", 0))
    index = client.get_model_repository_index(**as_json)
    rows = {(row["name"], row["version"]): row for row in (index["models"] if kind == "grpc" else index)}
    case(f"{kind} index", lambda: rows[("id-fp32", "1")]["state"] == "READY" and rows[("broken", "1")]["state"] == "UNAVAILABLE"
         and len(rows[("broken", "1")]["reason"]) > 10)
    one = np.ones((1, 3), np.float32)
    case(f"{kind} version filled in, id echoed", lambda: (lambda got: (got["model_version"], got["id"]) == ("1", "job-7"))(
        client.infer("id-fp32", [tensor(mod, "x", one)], request_id="job-7").get_response(**as_json)))
    case(f"{kind} versions", lambda: client.infer("versioned", [tensor(mod, "x", one)]).get_response(**as_json)["model_version"] == "2"
         and client.infer("versioned", [tensor(mod, "x", one)], model_version="1").get_response(**as_json)["model_version"] == "1")
    case(f"{kind} outputs by name", lambda: equal(
        client.infer("id-fp32", [tensor(mod, "x", one)], outputs=[mod.InferRequestedOutput("y")]).as_numpy("y"), one))
    best = [mod.InferRequestedOutput("y", class_count=2)]
    case(f"{kind} classification", lambda: equal(
        client.infer("id-fp32", [tensor(mod, "x", np.array([[0.25, 2, 1]], np.float32))], outputs=best).as_numpy("y"),
        np.array([[b"2.000000:1", b"1.000000:2"]], dtype=object)))
    empty = np.zeros((0, 3), np.float32)
    case(f"{kind} empty tensor", lambda: equal(client.infer("id-fp32", [tensor(mod, "x", empty)]).as_numpy("y"), empty))
    big = np.random.default_rng(1).standard_normal((1, 3_000_000), dtype=np.float32)
    case(f"{kind} 12 MB tensor", lambda: equal(client.infer("id-fp32", [tensor(mod, "x", big)]).as_numpy("y"), big))

    def parameters():
        result = client.infer("id-fp32", [tensor(mod, "x", one)], parameters={"mine": 3, "text": "a", "flag": True}, timeout=10_000_000)
        return equal(result.as_numpy("y"), one)

    case(f"{kind} own parameters", parameters)

    def statistics():
        rows = client.get_inference_statistics("id-fp64", **as_json)["model_stats"]
        before = int(rows[0].get("inference_count", 0))
        client.infer("id-fp64", [tensor(mod, "x", np.ones((1, 3)))])
        row = client.get_inference_statistics("id-fp64", **as_json)["model_stats"][0]
        stats = row["inference_stats"]
        grown = int(row["inference_count"]) == before + 1 == int(row["execution_count"]) == int(stats["success"]["count"])
        parts = sum(int(stats[part]["ns"]) for part in ("queue", "compute_input", "compute_infer", "compute_output"))
        return grown and 0 < parts <= int(stats["success"]["ns"]) or f"{row}"

    case(f"{kind} statistics", statistics)
    case(f"{kind} statistics of all", lambda: len(client.get_inference_statistics(**as_json)["model_stats"]) > 10)

    def reload():
        client.unload_model("versioned")
        gone = not client.is_model_ready("versioned")
        try:
            client.infer("versioned", [tensor(mod, "x", one)])
            return "an unloaded model answered"
        except InferenceServerException as error:
            if "no available versions" not in error.message():
                return error.message()
        client.load_model("versioned")
        return gone and client.is_model_ready("versioned")

    case(f"{kind} unload, load", reload)
    case(f"{kind} unload of an unknown model", lambda: client.unload_model("moon") is None)

    def handed():
        config = json.dumps({"backend": "onnxruntime", "max_batch_size": 0})
        client.load_model("handed", config=config, files={"file:1/model.onnx": open(model_file, "rb").read()})
        return equal(client.infer("handed", [tensor(mod, "x", one)]).as_numpy("y"), one)

    case(f"{kind} load with a file", handed)

    bad, gone, broken, off = ("StatusCode.INVALID_ARGUMENT", "400"), ("StatusCode.NOT_FOUND", "404"), ("StatusCode.UNAVAILABLE", "503"), ("StatusCode.UNIMPLEMENTED", "501")
    x = lambda array=one, name="x", **how: tensor(mod, name, array, **how)
    refused(f"{kind} unknown model", lambda: client.infer("moon", [x()]), gone, "'moon' is not found")
    refused(f"{kind} unknown version", lambda: client.infer("id-fp32", [x()], model_version="7"), gone, "version 7")
    refused(f"{kind} metadata of an unknown model", lambda: client.get_model_metadata("moon"), gone, "moon")
    refused(f"{kind} config of an unknown model", lambda: client.get_model_config("moon"), gone, "moon")
    refused(f"{kind} statistics of an unknown model", lambda: client.get_inference_statistics("moon"), bad, "moon")
    refused(f"{kind} load of an unknown model", lambda: client.load_model("moon"), gone, "moon")
    refused(f"{kind} load of a broken model", lambda: client.load_model("broken"), broken, "broken")
    refused(f"{kind} broken model", lambda: client.infer("broken", [x()]), broken, "broken")
    refused(f"{kind} unknown input", lambda: client.infer("id-fp32", [x(name="zz")]), bad, "unexpected inference input 'zz'")
    refused(f"{kind} unknown output", lambda: client.infer("id-fp32", [x()], outputs=[mod.InferRequestedOutput("zz")]), bad, "unexpected inference output 'zz'")
    refused(f"{kind} wrong data type", lambda: client.infer("id-fp32", [x(one.astype(np.float64))]), bad, "expects 'FP32'")
    refused(f"{kind} wrong rank", lambda: client.infer("id-fp32", [x(np.ones(3, np.float32))]), bad, "unexpected shape")
    refused(f"{kind} input missing", lambda: client.infer("id-fp32", []), bad, "missing required input")
    refused(f"{kind} input twice", lambda: client.infer("id-fp32", [x(), x()]), bad, "already exists")
    refused(f"{kind} sequence", lambda: client.infer("id-fp32", [x()], sequence_id=5, sequence_start=True), bad, "sequence")
    refused(f"{kind} system shared memory", lambda: client.register_system_shared_memory("r", "/r", 64), off, "shared memory")
    refused(f"{kind} shared memory status", lambda: client.get_system_shared_memory_status(), off, "shared memory")
    refused(f"{kind} cuda shared memory", lambda: client.unregister_cuda_shared_memory(), off, "shared memory")
    refused(f"{kind} trace", lambda: client.get_trace_settings(), off, "tracing")
    refused(f"{kind} log", lambda: client.get_log_settings(), off, "log")

    def shared():
        given = mod.InferInput("x", [1, 3], "FP32")
        given.set_shared_memory("region", 12)
        return client.infer("id-fp32", [given])

    refused(f"{kind} input in shared memory", shared, bad, "shared memory")

    def short():
        given = mod.InferInput("x", [2, 3], "FP32")
        given.set_data_from_numpy(np.ones((2, 3), np.float32))
        given.set_shape([3, 3])
        return client.infer("id-fp32", [given])

    refused(f"{kind} too few bytes", short, bad, "36 bytes are wanted")

    def concurrent():
        failures = []

        def work(seed):
            own = mod.InferenceServerClient(grpc_at if kind == "grpc" else http_at)
            rng = np.random.default_rng(seed)
            for _ in range(20):
                array = rng.standard_normal((1, 64), dtype=np.float32)
                if equal(own.infer("id-fp32", [tensor(mod, "x", array)]).as_numpy("y"), array) is not True:
                    failures.append(seed)
            own.close()

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        return not failures or failures

    case(f"{kind} 8 clients at once get their own answers", concurrent)


def grpc_only(client):
    one = np.ones((1, 3), np.float32)

    def asynchronous():
        answers = queue.Queue()
        client.async_infer("id-fp32", [tensor(tgrpc, "x", one)], lambda result, error: answers.put((result, error)))
        result, error = answers.get(timeout=60)
        return error is None and equal(result.as_numpy("y"), one)

    case("grpc async", asynchronous)

    def stream():
        answers = queue.Queue()
        own = tgrpc.InferenceServerClient(grpc_at)
        own.start_stream(lambda result, error: answers.put((result, error)))
        for i, model in enumerate(["id-fp32", "moon", "id-fp32", "broken", "id-fp32"]):
            own.async_stream_infer(model, [tensor(tgrpc, "x", one * i)], request_id=str(i))
        got = [answers.get(timeout=60) for _ in range(5)]
        own.stop_stream()
        order = [result.get_response().id if error is None else "error" for result, error in got]
        final = got[0][0].get_response().parameters["triton_final_response"].bool_param
        return (order == ["0", "error", "2", "error", "4"] and final) or f"{order} {final}"

    case("grpc stream: one answer each, in order, and it goes on after an error", stream)

    def deadline():
        # 12 MB there and back take longer than this on any machine.
        slow = tensor(tgrpc, "x", np.zeros((1, 3_000_000), np.float32))
        try:
            client.infer("id-fp32", [slow], client_timeout=1e-3)
            return "a call with no time was answered"
        except InferenceServerException as error:
            return "DEADLINE_EXCEEDED" in str(error.status()) and client.is_server_live()

    case("grpc client_timeout: the server survives the broken call", deadline)

    from tritonclient.grpc import service_pb2
    def typed(datatype, model, **contents):
        request = service_pb2.ModelInferRequest(model_name=model)
        given = request.inputs.add(name="x", datatype=datatype, shape=[1, 3])
        for field, values in contents.items():
            getattr(given.contents, field).extend(values)
        return request

    import grpc as raw_grpc
    stub = tgrpc.service_pb2_grpc.GRPCInferenceServiceStub(raw_grpc.insecure_channel(grpc_at))
    fields = {"BOOL": "bool_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents", "UINT64": "uint64_contents",
              "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents", "INT64": "int64_contents", "FP32": "fp32_contents",
              "FP64": "fp64_contents", "BYTES": "bytes_contents"}
    for name, field in fields.items():
        def body(name=name, field=field):
            array = SAMPLES[name]
            values = [value for value in array.ravel().tolist()]
            answer = stub.ModelInfer(typed(name, f"id-{name.lower()}", **{field: values}))
            raw = answer.raw_output_contents[0]
            if name == "BYTES":
                return deserialize_bytes_tensor(raw).tolist() == values
            return raw == array.tobytes() or f"{raw!r}"

        case(f"grpc {name} typed contents", body)
    for what, request in {
        "typed and raw mixed": (lambda r: (r.raw_input_contents.append(one.tobytes()), r)[1])(typed("FP32", "id-fp32", fp32_contents=[1, 2, 3])),
        "contents of another type": typed("FP32", "id-fp32", int_contents=[1, 2, 3]),
        "a value out of range": typed("INT8", "id-int8", int_contents=[1, 2, 300]),
        "no data at all": typed("FP32", "id-fp32"),
    }.items():
        def wrong(request=request):
            try:
                return f"answered: {stub.ModelInfer(request)}"
            except raw_grpc.RpcError as error:
                return error.code() == raw_grpc.StatusCode.INVALID_ARGUMENT or str(error)

        case(f"grpc {what} is refused", wrong)


def http_only(client):
    one = np.array([[1, 2, 3]], np.float32)
    for packing in ("gzip", "deflate"):
        case(f"http request {packing}", lambda: equal(
            client.infer("id-fp32", [tensor(thttp, "x", one)], request_compression_algorithm=packing).as_numpy("y"), one))
        case(f"http response {packing}", lambda: equal(
            client.infer("id-fp32", [tensor(thttp, "x", one)], response_compression_algorithm=packing).as_numpy("y"), one))
    case("http query and headers", lambda: equal(
        client.infer("id-fp32", [tensor(thttp, "x", one)], query_params={"a": 1}, headers={"X-Mine": "b"}).as_numpy("y"), one))
    case("http async", lambda: equal(client.async_infer("id-fp32", [tensor(thttp, "x", one)]).get_result().as_numpy("y"), one))

    async def aio():
        own = taio.InferenceServerClient(http_at)
        try:
            got = (await own.infer("id-fp32", [tensor(thttp, "x", one)])).as_numpy("y")
            try:
                await own.infer("moon", [tensor(thttp, "x", one)])
                return "an unknown model answered"
            except InferenceServerException as error:
                return equal(got, one) if "moon" in error.message() else error.message()
        finally:
            await own.close()

    case("http asyncio", lambda: asyncio.run(aio()))

    def post(path, body, headers=None):
        request = urllib.request.Request(f"http://{http_at}{path}", data=body, headers=headers or {}, method="POST")
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    for what, path, body, headers, status in [
        ("broken JSON", "/v2/models/id-fp32/infer", b"{\"inputs\": [", None, 400),
        ("JSON that is no request", "/v2/models/id-fp32/infer", b"[1,2]", None, 400),
        ("header longer than the body", "/v2/models/id-fp32/infer", b"{}", {"Inference-Header-Content-Length": "99"}, 400),
        ("bytes left over", "/v2/models/id-fp32/infer", b"{}abc", {"Inference-Header-Content-Length": "2"}, 400),
        ("body that is no gzip", "/v2/models/id-fp32/infer", b"{}", {"Content-Encoding": "gzip"}, 400),
        ("unknown packing", "/v2/models/id-fp32/infer", b"{}", {"Content-Encoding": "br"}, 400),
        ("unknown path", "/v2/nothing", b"", None, 404),
        ("FP16 as JSON", "/v2/models/id-fp16/infer", b'{"inputs":[{"name":"x","datatype":"FP16","shape":[1,1],"data":[1]}]}', None, 400),
        ("foreign Host", "/v2/repository/index", b"", {"Host": "evil.example"}, 400),
    ]:
        got, text = post(path, body, headers)
        case(f"http {what}: {status} with an error text", lambda: (got == status and len(json.loads(text)["error"]) > 0) or f"{got} {text}")
    got, text = post("/v2/models/id-int64/infer", json.dumps(
        {"inputs": [{"name": "x", "datatype": "INT64", "shape": [2, 2], "data": [[1, 2], [3, 2**63 - 1]]}]}).encode())
    case("http nested data, 64-bit numbers exact", lambda: json.loads(text)["outputs"][0]["data"] == [1, 2, 3, 2**63 - 1] or text)


def metrics():
    text = urllib.request.urlopen(metrics_url).read().decode()
    for name in ("request_success", "request_failure", "count", "exec_count", "request_duration_us", "queue_duration_us",
                 "compute_input_duration_us", "compute_infer_duration_us", "compute_output_duration_us"):
        line = [row for row in text.splitlines() if row.startswith(f'nv_inference_{name}{{model="id-fp32",version="1"}}')]
        grown = len(line) == 1 and (name in ("request_failure", "queue_duration_us") or float(line[0].split()[-1]) > 0)
        report(f"metrics nv_inference_{name}", grown, line)


for kind, (mod, client) in clients.items():
    datatypes(kind, mod, client)
    surface(kind, mod, client)
    if dataset != "-":
        keyword(kind, mod, client)
grpc_only(clients["grpc"][1])
http_only(clients["http"][1])
metrics()
