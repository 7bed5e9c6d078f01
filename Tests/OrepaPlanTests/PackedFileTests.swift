import OrepaFiles
import OrepaNetwork
import OrepaPlan
import OrepaSafetensors
import OrepaThreads
import TestSupport
import Testing

/// Packed weights in model files, and the ways to use memory.
@Suite struct PackedFileTests {
    let pool = WorkerPool(threadCount: 2)

    static let instructionSets = InstructionSet.allCases.filter { $0 <= .best }

    /// A layer for each algorithm that packs, with counts of channels that leave tails, for 52x52 pictures.
    static func model(seed: UInt64 = 21) throws -> ModelFile {
        var nodes: [Node] = []
        func add(_ operation: Operation, _ name: String) {
            nodes.append(
                Node(name: name, operation: operation, inputs: [nodes.last?.name ?? "input"]))
        }
        func convolution(
            _ name: String, _ input: Int, _ output: Int, _ kernel: Int, stride: Int = 1,
            groups: Int = 1
        ) {
            let convolution = Convolution(
                parameters: name, inputChannels: input, outputChannels: output, kernel: kernel,
                stride: stride, padding: kernel / 2, groups: groups, activation: .relu)
            add(.convolution(convolution), name)
        }
        convolution("stem", 3, 40, 7, stride: 2)
        convolution("halving", 40, 72, 3, stride: 2)
        convolution("plain", 72, 72, 3)
        convolution("grouped", 72, 72, 3, groups: 9)
        convolution("wide_groups", 72, 54, 3, groups: 6)
        convolution("pointwise", 54, 100, 1)
        add(.globalAveragePool, "mean")
        add(
            .linear(Linear(parameters: "linear", inputFeatures: 100, outputFeatures: 37)), "linear")
        let graph = try Graph(inputChannels: 3, nodes: nodes)
        var random = SeededRandom(seed)
        var tensors: [ByteName: Tensor] = [:]
        for (name, shape) in try graph.tensorShapes() {
            tensors[name] = Tensor(shape: shape, values: random.floats(shape.reduce(1, *)))
        }
        return try ModelFile(
            network: Network(graph: graph, tensors: tensors),
            description: ModelDescription(
                family: "ResNet", blocks: [:],
                preprocessing: Preprocessing(
                    resize: 60, crop: 52, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25]),
                tool: "test"))
    }

    @Test func everyAlgorithmIsThere() throws {
        let plan = try Plan(PackedFileTests.model(), pool: pool)
        #expect(
            plan.stepDescriptions.map(\.algorithm) == [
                "stem", "winograd", "winograd", "grouped", "direct", "direct", "average pool",
                "direct",
            ])
    }

    /// When this fails because what is packed has changed on purpose, raise `OREPA_PACKING_VERSION` and add lines for
    /// the new version: files packed by the old one must not be read as the new one.
    @Test(arguments: instructionSets) func packingHasItsVersion(
        instructionSet: InstructionSet
    ) throws {
        let checksums: [String: UInt32] = [
            "orepa.packed.1.portable.fast.52x52": 0xa64f_0d04,
            "orepa.packed.1.avx2.fast.52x52": 0xa64f_0d04,
            "orepa.packed.1.avx512.fast.52x52": 0x9b50_26c3,
        ]
        var model = try PackedFileTests.model()
        try model.pack(for: instructionSet, pool: pool)
        let (name, tensor) = try #require(model.packed.first)
        var checksum = CRC32()
        for value in tensor.values {
            checksum.update((0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) })
        }
        #expect(checksum.value == checksums[name.text], "\(name)")
    }

    /// As read from a file that holds the packed weights of every instruction set, in all the ways there are.
    @Test(arguments: instructionSets) func sameBitsEachWay(instructionSet: InstructionSet) throws {
        try withTemporaryFolder { folder in
            var plain = try PackedFileTests.model()
            let path = "\(folder)/model.safetensors"
            for set in PackedFileTests.instructionSets { try plain.pack(for: set, pool: pool) }
            try plain.write(to: path, overwrite: false)
            plain.packed = [:]
            let packed = try ModelFile(path: path)
            #expect(packed.packed.count == PackedFileTests.instructionSets.count)
            var random = SeededRandom(22)
            let pictures = random.floats(3 * 3 * 52 * 52)
            let expected = try PlanContext(
                Plan(plain, instructionSet: instructionSet, pool: pool), pool: pool
            ).run(pictures, count: 3).map(\.bitPattern)
            for threads in 1...3 {
                let pool = WorkerPool(threadCount: threads)
                for memory in PlanMemory.allCases {
                    for (model, isTrusted) in [(plain, true), (packed, false), (packed, true)] {
                        let plan = try Plan(
                            model, instructionSet: instructionSet, memory: memory,
                            trustsPackedWeights: isTrusted, pool: pool)
                        let isFound = !model.packed.isEmpty && isTrusted || memory != .mapped
                        #expect(plan.memory == (isFound ? memory : .fast))
                        let context = try PlanContext(plan, pool: pool)
                        for _ in 0..<2 {
                            #expect(
                                context.run(pictures, count: 3).map(\.bitPattern) == expected)
                        }
                    }
                }
            }
        }
    }

    /// That a plan takes the packed weights where they are trusted, and only there: with others of the same size, the
    /// answer is another.
    @Test(arguments: [PlanMemory.fast, .small, .mapped], [false, true])
    func packedWeightsAreUsedWhereTheyAreTrusted(memory: PlanMemory, isTrusted: Bool) throws {
        var model = try PackedFileTests.model()
        try model.pack(for: .current(), pool: pool)
        let (name, tensor) = try #require(model.packed.first)
        var values = tensor.values
        // The last weight of the linear layer; its bias comes before its weights.
        let last = try #require(values.lastIndex { $0 != 0 })
        values[last] += 1
        model.packed[name] = Tensor(shape: tensor.shape, values: values)
        let picture = [Float](repeating: 0.5, count: 3 * 52 * 52)
        let changed = try PlanContext(
            Plan(model, memory: memory, trustsPackedWeights: isTrusted, pool: pool), pool: pool
        ).run(picture, count: 1)
        let plain = try PlanContext(
            Plan(model.network, height: 52, width: 52, pool: pool), pool: pool
        )
        .run(picture, count: 1)
        let isUsed = isTrusted && memory != .small
        #expect(zip(changed, plain).filter { $0 != $1 }.count == (isUsed ? 1 : 0))
    }

    @Test func aPackedPartThatDoesNotFitIsAnError() throws {
        var model = try PackedFileTests.model()
        try model.pack(for: .current(), pool: pool)
        let (name, tensor) = try #require(model.packed.first)
        var values = tensor.values
        func plan(_ memory: PlanMemory) throws -> Plan {
            try Plan(model, memory: memory, trustsPackedWeights: true, pool: pool)
        }
        for memory in [PlanMemory.fast, .mapped] {
            model.packed[name] = Tensor(shape: [values.count - 1], values: Array(values.dropLast()))
            #expect(
                throws: PlanError.model(
                    .malformed(
                        path: "model", field: name.text, expected: "shape [\(values.count)]",
                        found: "[\(values.count - 1)]"))
            ) { try plan(memory) }
            model.packed[name] = Tensor(shape: [1, values.count], values: values)
            #expect(throws: PlanError.self) { try plan(memory) }
            model.packed[name] = Tensor(shape: [0], values: [])
            #expect(throws: PlanError.self) { try plan(memory) }
            // Nor is who does not trust it.
            _ = try Plan(model, memory: memory, pool: pool)
        }
        values[3] += 1
        model.packed[name] = Tensor(shape: [values.count], values: values)
        #expect(
            throws: PlanError.model(
                .malformed(
                    path: "model", field: name.text, expected: "the weights of this network",
                    found: "another bias than `stem.bias`"))
        ) { try plan(.fast) }
        // Who does not read the part is not disturbed by it.
        _ = try plan(.small)
        _ = try Plan(model, height: 60, width: 52, trustsPackedWeights: true, pool: pool)
        _ = try Plan(model, numerics: .strict, trustsPackedWeights: true, pool: pool)
    }

    @Test func aPackedPartOfAnotherTypeIsAnError() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/model.safetensors"
            try PackedFileTests.model().write(to: path, overwrite: false)
            let plain = try SafetensorsFile(FileBytes(mapping: path))
            let name = "orepa.packed.x"
            let tensors =
                plain.entries.map { SafetensorsWriter.Tensor($0, of: plain) }
                + [
                    SafetensorsWriter.Tensor(
                        name: name, shape: [16], values: [Double](repeating: 0, count: 16))
                ]
            try SafetensorsWriter(tensors, metadata: plain.metadata).write(
                to: path, overwrite: true)
            #expect(
                throws: ModelFileError.malformed(
                    path: path, field: name, expected: "F32", found: "F64")
            ) { try ModelFile(path: path) }
        }
    }

    /// A tool that keeps unknown tensors may put them anywhere.
    @Test func aPackedPartThatIsNotAlignedIsCopied() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/model.safetensors"
            var model = try PackedFileTests.model()
            try model.pack(for: .current(), pool: pool)
            try model.write(to: path, overwrite: false)
            let aligned = try ModelFile(path: path)
            #expect(
                try Plan(aligned, memory: .mapped, trustsPackedWeights: true, pool: pool).memory
                    == .mapped)
            var bytes = try FileBytes(mapping: path).withBytes { Array($0) }
            // Four more spaces behind the header.
            let length = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
            for index in 0..<8 {
                bytes[index] = UInt8(truncatingIfNeeded: (length + 4) >> (8 * index))
            }
            bytes.insert(
                contentsOf: [UInt8](repeating: UInt8(ascii: " "), count: 4), at: 8 + length)
            try AtomicFile.write(bytes, to: path, overwrite: true)
            let plan = try Plan(
                ModelFile(path: path), memory: .mapped, trustsPackedWeights: true, pool: pool)
            #expect(plan.memory == .fast)
            let picture = [Float](repeating: 0.5, count: 3 * 52 * 52)
            #expect(
                try PlanContext(plan, pool: pool).run(picture, count: 1)
                    == PlanContext(Plan(aligned, pool: pool), pool: pool).run(picture, count: 1))
        }
    }

    @Test func memoryIsKnownBeforeItIsTaken() throws {
        var model = try PackedFileTests.model()
        for _ in 0..<2 {
            for (memory, threads) in [(PlanMemory.fast, 1), (.small, 1), (.fast, 3), (.small, 3)] {
                let pool = WorkerPool(threadCount: threads)
                let use = try PlanBlueprint(
                    model.network.graph, height: 52, width: 52, threadCount: threads
                ).memoryUse(memory, threadCount: threads)
                let plan = try Plan(model, memory: memory, trustsPackedWeights: true, pool: pool)
                let context = try PlanContext(plan, pool: pool)
                #expect(plan.allocatedByteCount == use.packedWeights)
                #expect(context.allocatedByteCount == use.featureMaps + use.scratch)
                #expect(plan.contextByteCount(threadCount: threads) == context.allocatedByteCount)
                #expect(plan.memoryUse(threadCount: threads) == use)
                #expect((use.packedWeights == 0) == (memory == .small))
                #expect(use.featureMaps > 0 && use.scratch > 0)
            }
            // Once more with a packed part, which is copied.
            try model.pack(for: .current(), pool: pool)
        }
    }
}
