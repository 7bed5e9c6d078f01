import OrepaFiles
import OrepaNetwork
import OrepaPlan
import OrepaThreads
import TestSupport
import Testing

/// What a model may cost, shapes at the edges of what is planned, and how fast calls end.
@Suite struct BudgetTests {
    private let pool = WorkerPool(threadCount: 2)

    /// A network of `layers`, each of which reads the one before, with a linear layer of one class.
    private static func graph(_ channels: Int, _ layers: [Operation], features: Int) throws -> Graph
    {
        var nodes: [Node] = []
        for operation in layers + [
            .globalAveragePool,
            .linear(Linear(parameters: "linear", inputFeatures: features, outputFeatures: 1)),
        ] {
            nodes.append(
                Node(
                    name: "n\(nodes.count)", operation: operation,
                    inputs: [nodes.last?.name ?? Graph.inputName]))
        }
        return try Graph(inputChannels: channels, nodes: nodes)
    }

    private static func convolution(
        _ name: String, _ input: Int, _ output: Int, _ kernel: Int, stride: Int = 1,
        padding: Int = 0, groups: Int = 1
    ) -> Operation {
        .convolution(
            Convolution(
                parameters: name, inputChannels: input, outputChannels: output, kernel: kernel,
                stride: stride, padding: padding, groups: groups, activation: .identity))
    }

    private static func network(_ graph: Graph) throws -> Network {
        var tensors: [ByteName: Tensor] = [:]
        for (name, shape) in try graph.tensorShapes() {
            let values = [Float](repeating: 0.25, count: shape.reduce(1, *))
            tensors[ByteName(name)] = Tensor(shape: shape, values: values)
        }
        return try Network(graph: graph, tensors: tensors)
    }

    /// Groups of one channel are computed with 16 channels each, so that sizes are 16 times the weights'.
    @Test(arguments: [257, 1024]) func longSumsOfGroupsAreRefused(kernel: Int) throws {
        let graph = try BudgetTests.graph(
            2, [BudgetTests.convolution("a", 2, 2, kernel, padding: kernel / 2, groups: 2)],
            features: 2)
        #expect(throws: PlanError.network(.sumTooLong(node: "n0"))) {
            try PlanBlueprint(graph, height: 1, width: 1, threadCount: 1)
        }
    }

    @Test(arguments: [(1025, 1), (11587, 2), (16383, 2), (46340, 2)])
    func longSumsAreRefusedByTheGraph(kernel: Int, groups: Int) {
        let found = #expect(throws: NetworkError.self) {
            try BudgetTests.graph(
                2,
                [
                    BudgetTests.convolution(
                        "a", 2, 2, kernel, padding: kernel / 2, groups: groups)
                ], features: 2)
        }
        #expect(found == .sumTooLong(node: "n0") || found == .tooLarge(node: "n0"))
        #expect(found?.description.hasPrefix("`n0`: ") == true)
    }

    /// Each is legal, and planned or refused for its size alone.
    @Test(arguments: [
        (3, 1, 1 << 20, 0, 1), (1, 1, 1 << 20, 1 << 14, 1), (1024, 1, 3, 512, 1),
        (256, 1, 1 << 20, 128, 1), (255, 2, 254, 254, 2), (7, 16, 2, 1 << 10, 16),
        (1, 1, 1, 1 << 20, 1),
    ])
    func shapesAtTheEdgesRunOrAreRefused(
        kernel: Int, channels: Int, stride: Int, padding: Int, groups: Int
    ) throws {
        let graph = try BudgetTests.graph(
            channels,
            [
                BudgetTests.convolution(
                    "a", channels, channels, kernel, stride: stride, padding: padding,
                    groups: groups)
            ], features: channels)
        let network = try BudgetTests.network(graph)
        let (height, width) = (9, 5)
        for set in InstructionSet.allCases where set <= .best && set != .portable {
            let plan: Plan
            do throws(PlanError) {
                plan = try Plan(
                    network, height: height, width: width, numerics: .strict, instructionSet: set,
                    budget: ModelBudget(maximumMultiplyAdds: 1 << 31, maximumMemory: 1 << 28),
                    pool: pool)
            } catch {
                switch error {
                case .overBudget, .network(.tooLarge): continue
                default: throw error
                }
            }
            var random = SeededRandom(6)
            let picture = random.floats(channels * height * width)
            let logits = try PlanContext(plan, pool: pool).run(picture, count: 1)
            #expect(logits.allSatisfy { $0.isFinite })
        }
    }

    @Test func aCallerOfTheKernelsAloneIsRefusedToo() {
        #expect(throws: PlanError.network(.sumTooLong(node: "a"))) {
            try Convolution(
                parameters: "a", inputChannels: 2, outputChannels: 2, kernel: 257, padding: 128,
                groups: 2, activation: .identity
            ).evaluate(
                weight: Tensor(
                    shape: [2, 1, 257, 257], values: .init(repeating: 0, count: 132_098)),
                bias: Tensor(shape: [2], values: [0, 0]), input: [0, 0], height: 1, width: 1,
                pool: pool)
        }
        #expect(throws: PlanError.network(.tooLarge(node: "a"))) {
            try Convolution(
                parameters: "a", inputChannels: 1, outputChannels: 1, kernel: 1,
                padding: 1 << 40, activation: .identity
            ).evaluate(
                weight: Tensor(shape: [1, 1, 1, 1], values: [0]),
                bias: Tensor(shape: [1], values: [0]), input: [0], height: 1, width: 1, pool: pool)
        }
    }

    @Test func memoryOfNoOrNegativeSizeIsRefused() {
        for count in [-1, Int.min, Int.max, Int.max / 4 + 1] {
            #expect(throws: PlanError.self) { try AlignedMemory(count: count) }
        }
    }

    /// With fewer channels than a block has, a file may not ask for Winograd weights, which would take 63 times the memory.
    @Test func winogradOfFewChannelsIsRefused() throws {
        let network = try BudgetTests.network(
            BudgetTests.graph(
                3,
                [
                    BudgetTests.convolution("a", 3, 16, 1),
                    BudgetTests.convolution("b", 16, 15, 3, padding: 1),
                ], features: 15))
        let tiles = WinogradTiles(counts: [0, 0, 0, 2])
        let strict: [ByteName: LayerAlgorithm] = ["n0": .direct, "n1": .direct, "n3": .direct]
        var fast = strict
        fast["n1"] = .winograd(rows: tiles, columns: tiles)
        #expect(
            throws: PlanError.model(
                .malformed(
                    path: "model", field: "algorithms.fast.n1.name",
                    expected: "direct or grouped for fewer than 16 channels", found: "winograd"))
        ) {
            let model = try ModelFile(
                network: network,
                description: ModelDescription(
                    family: "RepVGG", blocks: [:],
                    preprocessing: Preprocessing(
                        resize: 8, crop: 8, mean: [0, 0, 0], std: [1, 1, 1]),
                    algorithms: PerNumerics(fast: fast, strict: strict), tool: "test"))
            _ = try PlanBlueprint(model, threadCount: 1)
        }
    }

    // MARK: Budgets

    @Test func costsAreCounted() throws {
        let pool = Operation.maxPool(MaxPool(kernel: 3, stride: 1, padding: 1))
        let graph = try BudgetTests.graph(
            16, [pool, BudgetTests.convolution("a", 16, 17, 1)], features: 17)
        let blueprint = try PlanBlueprint(graph, height: 4, width: 5, threadCount: 1)
        // Places of windows, of 16 channels each; the convolution's two blocks; the average of two blocks; the linear
        // layer's one block.
        #expect(
            blueprint.multiplyAdds == 3 * 4 * 3 * 5 * 16 + 16 * 32 * 20 + 32 * 20 + 17 * 16)
    }

    /// A pool whose window is the map: a kilobyte of a file that computes for hours.
    @Test func whatComputesForHoursIsRefused() throws {
        let side = 2048
        let graph = try BudgetTests.graph(
            3, [.maxPool(MaxPool(kernel: 2 * side - 1, stride: 1, padding: side - 1))],
            features: 3)
        let network = try BudgetTests.network(graph)
        let found = #expect(throws: PlanError.self) {
            try Plan(network, height: side, width: side, pool: pool)
        }
        guard case .overBudget(.multiplyAdds, 1_000_000_000_000, let count) = found else {
            Issue.record("\(String(describing: found))")
            return
        }
        #expect(count > side * side * side * side * 16)
        // It is still described.
        _ = try PlanBlueprint(graph, height: side, width: side, threadCount: 1)
    }

    /// Of two channels a map takes a block of 16.
    @Test func whatTakesTooMuchMemoryIsRefused() throws {
        let layers = (0..<2).map {
            BudgetTests.convolution("\($0)", $0 == 0 ? 3 : 2, 2, 1)
        }
        let network = try BudgetTests.network(BudgetTests.graph(3, layers, features: 2))
        for memory in PlanMemory.allCases {
            let found = #expect(throws: PlanError.self) {
                try Plan(network, height: 10_000, width: 10_000, memory: memory, pool: pool)
            }
            guard case .overBudget(.memory, 0x2_0000_0000, let count) = found else {
                Issue.record("\(String(describing: found))")
                return
            }
            #expect(count > 2 * 64 * 100_000_000)
        }
        let use = try PlanBlueprint(network.graph, height: 100, width: 100, threadCount: 2)
            .memoryUse(.fast, threadCount: 2)
        func plan(_ most: Int) throws -> Plan {
            try Plan(
                network, height: 100, width: 100,
                budget: ModelBudget(maximumMultiplyAdds: .max, maximumMemory: most), pool: pool)
        }
        #expect(
            throws: PlanError.overBudget(.memory, most: use.total - 1, found: use.total)
        ) { try plan(use.total - 1) }
        // What is enough for one picture is enough for many, some at a time.
        let context = try PlanContext(plan(use.total), batch: 8, pool: pool)
        #expect(context.picturesTogether == 1)
        #expect(try PlanContext(plan(.max), batch: 8, pool: pool).picturesTogether == 4)
    }

    @Test func theLargestPublishedNetworkIsWithinTheBudget() throws {
        // RepVGG-B3: the widths and depths of its stages.
        var layers: [Operation] = []
        var channels = 3
        for (width, depth) in [(64, 1), (192, 4), (384, 6), (768, 16), (2560, 1)] {
            for index in 0..<depth {
                layers.append(
                    BudgetTests.convolution(
                        "\(layers.count)", channels, width, 3, stride: index == 0 ? 2 : 1,
                        padding: 1))
                channels = width
            }
        }
        let graph = try BudgetTests.graph(3, layers, features: channels)
        for (side, numerics) in [(224, Numerics.fast), (224, .strict), (1024, .strict)] {
            let blueprint = try PlanBlueprint(
                graph, height: side, width: side, numerics: numerics, threadCount: 2)
            try ModelBudget.default.check(
                blueprint, memory: blueprint.memoryUse(.fast, threadCount: 2))
        }
    }

    @Test func answersHaveABudget() throws {
        let budget = ModelBudget.default
        try budget.checkAnswers(count: 1000, valueCount: 1000)
        #expect(
            throws: PlanError.overBudget(.answers, most: 8 << 30, found: 4_000_000_000_000)
        ) { try budget.checkAnswers(count: 1_000_000, valueCount: 1_000_000) }
        #expect(throws: PlanError.overBudget(.answers, most: 8 << 30, found: .max)) {
            try budget.checkAnswers(count: 1 << 40, valueCount: 1 << 40)
        }
    }

    // MARK: Limits inside long layers

    /// One layer that takes far longer than a call may: a call ends at most 20 ms late, of which a test on a machine that
    /// others use asks for five times as much.
    @Test(arguments: [0, 1, 2, 3, 4]) func callsEndInsideOfALongLayer(kind: Int) throws {
        let layers: [Operation]
        var (channels, side, features) = (64, 512, 128)
        var memory = PlanMemory.fast
        switch kind {
        case 0: layers = [BudgetTests.convolution("a", 64, 128, 3, padding: 1)]
        case 1:
            layers = [.maxPool(MaxPool(kernel: 1023, stride: 1, padding: 511))]
            features = 64
        case 2: (layers, channels, side, features) = ([], 16, 2048, 16)
        case 3:
            (layers, channels, side, features) =
                ([BudgetTests.convolution("a", 64, 64, 31, padding: 15)], 64, 256, 64)
        default:
            // Packed when it runs.
            (layers, channels, side) = (
                [BudgetTests.convolution("a", 16, 128, 127, padding: 63)], 16, 4
            )
            memory = .small
        }
        let network = try BudgetTests.network(
            BudgetTests.graph(channels, layers, features: features))
        let picture = [Float](repeating: 0.5, count: channels * side * side)
        let clock = ContinuousClock()
        for threads in 1...2 {
            let pool = WorkerPool(threadCount: threads)
            let plan = try Plan(
                network, height: side, width: side, memory: memory,
                budget: ModelBudget(maximumMultiplyAdds: .max, maximumMemory: 8 << 30), pool: pool)
            let context = try PlanContext(plan, pool: pool)
            // The shortest of some: other tests run meanwhile.
            let time = (0..<3).map { _ in
                clock.measure {
                    #expect(throws: PlanError.deadlineExceeded) {
                        try context.run(
                            picture, count: 1,
                            limits: CallLimits(deadline: .now + .milliseconds(10)))
                    }
                }
            }.min()!
            #expect(time < .milliseconds(10 + 5 * 20), "kind \(kind), \(threads) threads")
        }
    }

    @Test func packingEndsToo() throws {
        let layers = [BudgetTests.convolution("a", 16, 128, 127, padding: 63)]
        let network = try BudgetTests.network(BudgetTests.graph(16, layers, features: 128))
        let time = (0..<3).map { _ in
            ContinuousClock().measure {
                #expect(throws: PlanError.deadlineExceeded) {
                    try Plan(
                        network, height: 4, width: 4, pool: pool,
                        limits: CallLimits(deadline: .now + .milliseconds(10)))
                }
            }
        }.min()!
        #expect(time < .milliseconds(10 + 5 * 20))
        let cancellation = Cancellation()
        cancellation.cancel()
        #expect(throws: PlanError.cancelled) {
            try Plan(
                network, height: 4, width: 4, memory: .small, pool: pool,
                limits: CallLimits(cancellation: cancellation))
        }
    }

    // MARK: Many nodes

    /// A layout of twice as many buffers takes less than three times the time, also where all live at the same time.
    @Test(arguments: [false, true]) func arenaLayoutsTakeTimeInProportion(livesLong: Bool) {
        func size(_ index: Int) -> Int { 16 + index * 7919 % 4096 }
        func last(_ index: Int, of count: Int) -> Int { livesLong ? count : index + 1 }
        func buffers(_ count: Int) -> [ArenaLayout.Buffer] {
            (0..<count).map { .init(size: size($0), first: $0, last: last($0, of: count)) }
        }
        #expect(growth(doubling: 40_000, make: buffers) { _ = ArenaLayout($0) } < 3)
        // No two that live at the same time share an element.
        let count = 1200
        let layout = ArenaLayout(buffers(count))
        var overlaps = 0
        for a in 0..<count {
            for b in a + 1..<count where b <= last(a, of: count) {
                let isApart =
                    layout.offsets[a] + size(a) <= layout.offsets[b]
                    || layout.offsets[b] + size(b) <= layout.offsets[a]
                if !isApart { overlaps += 1 }
            }
            #expect(layout.offsets[a] + size(a) <= layout.size)
        }
        #expect(overlaps == 0)
    }

    /// From a graph to a plan and back to names, with chains and with values that live long.
    @Test(arguments: [false, true]) func plansOfManyNodesTakeTimeInProportion(livesLong: Bool)
        throws
    {
        func nodes(_ count: Int) -> [Node] {
            var nodes: [Node] = []
            func add(_ operation: Operation, _ inputs: [String]) {
                nodes.append(Node(name: "n\(nodes.count)", operation: operation, inputs: inputs))
            }
            let pool = Operation.maxPool(MaxPool(kernel: 1, stride: 1, padding: 0))
            if livesLong {
                for _ in 0..<count / 2 { add(pool, [Graph.inputName]) }
                for index in 1..<count / 2 {
                    add(.add(.relu), [index == 1 ? "n0" : nodes.last!.name, "n\(index)"])
                }
            } else {
                for _ in 0..<count { add(pool, [nodes.last?.name ?? Graph.inputName]) }
            }
            add(.globalAveragePool, [nodes.last!.name])
            add(
                .linear(Linear(parameters: "linear", inputFeatures: 1, outputFeatures: 1)),
                [nodes.last!.name])
            return nodes
        }
        let growth = try growth(doubling: 20_000, make: nodes) { nodes in
            let network = try BudgetTests.network(Graph(inputChannels: 1, nodes: nodes))
            let plan = try Plan(network, height: 2, width: 2, pool: pool)
            #expect(plan.featureMaps.count == nodes.count)
        }
        #expect(growth < 3)
    }
}
