"""labgrid's side of the board-farm benchmarks; prints one JSON document.

commands URL COUNT        switches a power port of the `rest` model; prints when each call began
leases HOST:PORT PLACES COUNT   acquires and releases places at a coordinator; prints how long each took
Times are CLOCK_MONOTONIC in nanoseconds, the clock of Node's process.hrtime.bigint().
"""

import asyncio
import json
import sys
import time


def commands(url, count):
    from labgrid import Target
    from labgrid.driver.powerdriver import NetworkPowerDriver
    from labgrid.resource.power import NetworkPowerPort

    target = Target("bench")
    NetworkPowerPort(target, "port", model="rest", host=url, index="1")
    driver = NetworkPowerDriver(target, "driver", delay=0.0)
    target.activate(driver)
    began = []
    for number in range(count):
        began.append(time.monotonic_ns())
        driver.on() if number % 2 == 0 else driver.off()
    return {"began_ns": [str(at) for at in began]}


def leases(address, places, count):
    from labgrid.remote.client import start_session
    from labgrid.remote.generated import labgrid_coordinator_pb2 as pb

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    session = start_session(address, loop=loop)

    async def run():
        names = [f"place-{number}" for number in range(places)]
        for name in names:
            await session.stub.AddPlace(pb.AddPlaceRequest(name=name))
        acquired = []
        started = time.monotonic_ns()
        for number in range(count):
            name = names[number % places]
            before = time.monotonic_ns()
            await session.stub.AcquirePlace(pb.AcquirePlaceRequest(placename=name))
            acquired.append((time.monotonic_ns() - before) / 1e6)
            await session.stub.ReleasePlace(pb.ReleasePlaceRequest(placename=name))
        return {"acquire_ms": acquired, "span_s": (time.monotonic_ns() - started) / 1e9}

    return loop.run_until_complete(run())


def main():
    what, where, *numbers = sys.argv[1:]
    result = commands(where, int(numbers[0])) if what == "commands" else leases(where, int(numbers[0]), int(numbers[1]))
    # Pools and sessions would keep the process; all is said.
    print(json.dumps(result), flush=True)


main()
