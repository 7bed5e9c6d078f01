import OrepaJSON
import OrepaPlan

/// Where the time of a network goes: the median time of each of its layers, beside what the machine can do.
struct LayerProfile {
    struct Layer {
        let step: StepDescription
        /// Of one call with the whole batch: the median, the least, and what a tenth of the calls do not exceed.
        let milliseconds: Double
        let leastMilliseconds: Double
        let tenthMilliseconds: Double
        /// What the kernels' multiply-adds alone take at the machine's peak.
        let limitMilliseconds: Double
        /// Multiply-adds that the kernels did, as a part of the most that the machine does in that time.
        let computeShare: Double
        /// Bytes of packed weights and maps, as a part of what memory gives in that time.
        let memoryShare: Double

        var bound: String { computeShare >= memoryShare ? "compute" : "memory" }
    }

    let layers: [Layer]
    /// Of one call, all layers and the layout of the input.
    let totalMilliseconds: Double
    let inputMilliseconds: Double
    /// ``Layer/limitMilliseconds`` of all layers.
    var limitMilliseconds: Double { layers.reduce(0) { $0 + $1.limitMilliseconds } }
    let batch: Int
    /// With the threads of the profile.
    let machine: MachineSpeed

    /// Runs a call with `batch` pictures again and again for `duration`, at least once after `warmup` calls.
    init(
        _ context: PlanContext, input: [Float], batch: Int, warmup: Int, duration: Duration,
        machine: MachineSpeed
    ) {
        let clock = ContinuousClock()
        let steps = context.plan.stepDescriptions
        var times = [[Double]](repeating: [], count: steps.count)
        var inputTimes: [Double] = []
        var runCounts = [Int](repeating: 0, count: steps.count)
        let end = clock.now + duration
        var calls = 0
        repeat {
            var sums = [Double](repeating: 0, count: steps.count)
            var inputSum = 0.0
            runCounts = runCounts.map { _ in 0 }
            var last = clock.now
            input.withUnsafeBufferPointer { input in
                context.run(input, count: batch) { index in
                    let now = clock.now
                    let time = (now - last).milliseconds
                    if let index {
                        sums[index] += time
                        runCounts[index] += 1
                    } else {
                        inputSum += time
                    }
                    last = clock.now
                }
            }
            if calls >= warmup {
                inputTimes.append(inputSum)
                for index in steps.indices { times[index].append(sums[index]) }
            }
            calls += 1
        } while clock.now < end || calls <= warmup
        layers = steps.indices.map { index in
            let step = steps[index]
            let statistics = TimeStatistics(times[index])
            let milliseconds = statistics.median
            let multiplyAdds = step.executedMultiplyAccumulates * batch
            let bytes = step.weightByteCount * runCounts[index] + step.mapByteCount * batch
            let limit = Double(multiplyAdds) / machine.multiplyAddsPerSecond * 1e3
            return Layer(
                step: step, milliseconds: milliseconds,
                leastMilliseconds: statistics.minimum,
                tenthMilliseconds: statistics.percentile(10), limitMilliseconds: limit,
                computeShare: limit / milliseconds,
                memoryShare: Double(bytes) / (milliseconds * 1e-3) / machine.readBytesPerSecond)
        }
        inputMilliseconds = TimeStatistics(inputTimes).median
        totalMilliseconds = layers.reduce(inputMilliseconds) { $0 + $1.milliseconds }
        self.batch = batch
        self.machine = machine
    }

    func table(single: MachineSpeed, threads: Int) -> String {
        func percent(_ part: Double) -> String { Text.fixed(part * 100, 1) + " %" }
        func speed(_ multiplyAccumulates: Int, _ milliseconds: Double) -> String {
            Text.fixed(Double(multiplyAccumulates * batch) * 2e-6 / milliseconds, 1)
        }
        let header = [
            "layer", "algorithm", "tiles", "ms", "least", "limit", "share", "GFLOP/s", "FMA",
            "memory",
            "bound",
        ]
        let input = [
            "input", "layout", "", Text.fixed(inputMilliseconds, 3), "", "",
            percent(inputMilliseconds / totalMilliseconds),
        ]
        let rows = layers.map { layer in
            let isConvolution = layer.step.executedMultiplyAccumulates > 0
            return [
                layer.step.name, layer.step.algorithm, layer.step.tiles,
                Text.fixed(layer.milliseconds, 3), Text.fixed(layer.leastMilliseconds, 3),
                isConvolution ? Text.fixed(layer.limitMilliseconds, 3) : "",
                percent(layer.milliseconds / totalMilliseconds),
                isConvolution ? speed(layer.step.multiplyAccumulates, layer.milliseconds) : "",
                isConvolution ? percent(layer.computeShare) : "", percent(layer.memoryShare),
                layer.bound,
            ]
        }
        let total = [
            "total", "", "", Text.fixed(totalMilliseconds, 3), "", Text.fixed(limitMilliseconds, 3),
            "100.0 %",
            speed(
                layers.reduce(0) { $0 + $1.step.multiplyAccumulates }, totalMilliseconds),
            percent(average { $0.computeShare }), percent(average { $0.memoryShare }),
        ]
        func peak(_ machine: MachineSpeed) -> String {
            Text.fixed(machine.multiplyAddsPerSecond * 2e-9, 0) + " GFLOP/s, "
                + Text.fixed(machine.readBytesPerSecond * 1e-9, 1) + " GB/s"
        }
        let peaks =
            peak(single) + " with 1 thread"
            + (threads == 1 ? "" : "; \(peak(machine)) with \(threads)")
        return Text.table([header, input] + rows + [total], rightAligned: [3, 4, 5, 6, 7, 8, 9])
            + """

            measured peak: \(peaks)
            ms       median of the calls; least: the shortest
            limit    what the multiply-adds of the kernels alone take at the measured peak
            GFLOP/s  of the operation as it is defined, whatever the algorithm saves
            FMA      multiply-adds that the kernels do, without transforms, of the peak
            memory   bytes of packed weights and of the maps read and written, of what memory gives;
                     above 100 % they come from caches
            bound    the larger one of the two

            """
    }

    /// Weighted by time.
    private func average(_ share: (Layer) -> Double) -> Double {
        layers.reduce(0) { $0 + share($1) * $1.milliseconds } / totalMilliseconds
    }

    /// What the report as JSON holds beside the setting.
    func fields(single: MachineSpeed) -> [(String, JSONValue)] {
        func peak(_ machine: MachineSpeed) -> JSONValue {
            .object([
                ("multiply_adds_per_second", .double(machine.multiplyAddsPerSecond)),
                ("read_bytes_per_second", .double(machine.readBytesPerSecond)),
            ])
        }
        return [
            ("peak_1_thread", peak(single)), ("peak", peak(machine)),
            ("total_ms", .double(totalMilliseconds)), ("limit_ms", .double(limitMilliseconds)),
            ("input_ms", .double(inputMilliseconds)),
            ("layers", .array(layers.map(json))),
        ]
    }

    private func json(_ layer: Layer) -> JSONValue {
        let step = layer.step
        var fields: [(String, JSONValue)] = [
            ("name", .string(step.name)), ("algorithm", .string(step.algorithm)),
            ("tiles", .string(step.tiles)), ("median_ms", .double(layer.milliseconds)),
            ("min_ms", .double(layer.leastMilliseconds)),
            ("p10_ms", .double(layer.tenthMilliseconds)),
            ("limit_ms", .double(layer.limitMilliseconds)),
            ("share", .double(layer.milliseconds / totalMilliseconds)),
            ("multiply_accumulates", .integer(step.multiplyAccumulates)),
            ("executed_multiply_accumulates", .integer(step.executedMultiplyAccumulates)),
            ("weight_bytes", .integer(step.weightByteCount)),
            ("map_bytes", .integer(step.mapByteCount)),
            ("fma_share", .double(layer.computeShare)),
            ("memory_share", .double(layer.memoryShare)),
            ("bound", .string(layer.bound)),
            ("input", LayerProfile.json(step.input)), ("output", LayerProfile.json(step.output)),
            ("summand", step.summand.map(LayerProfile.json) ?? .null),
        ]
        if let window = step.window {
            fields += [
                ("kernel", .integer(window.kernel)), ("stride", .integer(window.stride)),
                ("padding", .integer(window.padding)), ("groups", .integer(window.groups)),
                ("relu", .bool(window.activation == .relu)),
            ]
        }
        return .object(fields)
    }

    private static func json(_ map: StepDescription.Map) -> JSONValue {
        .object([
            ("channels", .integer(map.channels)), ("height", .integer(map.height)),
            ("width", .integer(map.width)), ("border", .integer(map.border)),
            ("block", .integer(map.block)),
        ])
    }
}
