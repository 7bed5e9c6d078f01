import OrepaCheckpoint
import Testing

/// Each guard of the pickle interpreter. The pickles stand where a legacy file has its state dict.
@Suite struct PickleTests {
    func run(
        _ pickle: [UInt8], limits: CheckpointLimits = .default
    ) throws(CheckpointError) -> Checkpoint {
        var legacy = Legacy()
        legacy.root = pickle
        return try open(legacy.bytes, limits: limits)
    }

    func refuses(
        _ error: PickleError, _ pickle: [UInt8], limits: CheckpointLimits = .default,
        _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(
            throws: CheckpointError.pickle(path: "test", error), sourceLocation: location
        ) { try run(pickle, limits: limits) }
    }

    /// Where the pickle's first instruction is.
    let start = Legacy().rootOffset

    /// A pickle that leaves `extra` beside the tensor, to show that it is read over.
    func beside(_ extra: [UInt8]) -> [UInt8] {
        Pickle.dictionary([("state_dict", Pickle.plainState), ("extra", extra)])
    }

    @Test(arguments: [
        ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "getattr"),
        ("numpy.core.multiarray", "_reconstruct"), ("__main__", "Net"), ("torch", "load"),
        ("collections", "namedtuple"), ("torch._utils", "_rebuild_anything"), ("", ""),
    ])
    func refusedGlobals(module: String, name: String) {
        let refused = PickleError.refusedGlobal("\(module).\(name)")
        // Alone, beside a good state dict, without being called, and in each way to name it.
        refuses(refused, Pickle.global(module, name))
        refuses(refused, beside(Pickle.global(module, name) + Pickle.text("ls") + [0x85, 0x52]))
        refuses(refused, Pickle.global(module, name) + Array("0".utf8) + Pickle.plainState)
        refuses(refused, beside(Pickle.text(module) + Pickle.text(name) + [0x93]))
        refuses(refused, beside(Array("(i\(module)\n\(name)\n".utf8)))
        refuses(refused, beside(Array("(".utf8) + Pickle.global(module, name) + Array("o".utf8)))
    }

    @Test func refusedGlobalBehindTheStateDictPickle() {
        var legacy = Legacy()
        legacy.keys = Pickle.global("os", "system")
        #expect(throws: CheckpointError.pickle(path: "test", .refusedGlobal("os.system"))) {
            try open(legacy.bytes)
        }
        legacy = Legacy()
        legacy.system = Pickle.global("os", "system")
        #expect(throws: CheckpointError.pickle(path: "test", .refusedGlobal("os.system"))) {
            try open(legacy.bytes)
        }
    }

    @Test func protocols() throws {
        for version: UInt8 in 0...5 { _ = try run([0x80, version] + Pickle.plainState) }
        refuses(.unsupportedProtocol(found: 6), [0x80, 6])
    }

    @Test func opcodes() {
        let known = Set("(.012FIJKLMNQRSTUVXabcdegh}ijl]opqrst)uGBC".utf8)
            .union([0x80, 0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8B])
            .union([0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x91, 0x93, 0x94, 0x95, 0x96])
        for opcode in UInt8.min...UInt8.max where !known.contains(opcode) {
            refuses(.unsupportedOpcode(opcode, offset: start), [opcode])
        }
        // Whatever the operands, every opcode ends in an error or a value.
        for opcode in known {
            for count in [0, 1, 2, 5, 9, 300] {
                for byte: UInt8 in [0, 1, 0x0A, 0x7F, 0xFF] {
                    let operands = [UInt8](repeating: byte, count: count)
                    #expect(throws: CheckpointError.self) { try run([opcode] + operands) }
                }
            }
        }
    }

    @Test func underflow() {
        for opcode in "02Raebstuq\u{51}".utf8 where opcode != UInt8(ascii: "e") {
            guard opcode != UInt8(ascii: "t"), opcode != UInt8(ascii: "u") else { continue }
            refuses(.stackUnderflow(offset: start), [opcode, 0])
        }
        for opcode: UInt8 in [0x85, 0x86, 0x87, 0x93, 0x94, 0x81] {
            refuses(.stackUnderflow(offset: start), [opcode])
        }
        for opcode in "1etuldo".utf8 { refuses(.noMark(offset: start), [opcode]) }
        refuses(.noMark(offset: start), [0x90])
        // What lies below a mark is out of reach.
        refuses(.stackUnderflow(offset: start + 2), Array("N(2".utf8))
        refuses(.stackUnderflow(offset: start + 3), Array("NN(".utf8) + [0x86])
        refuses(.stackUnderflow(offset: start + 3), Array("}(Nu".utf8))
        refuses(.stackUnderflow(offset: start), [])
    }

    @Test func memo() throws {
        refuses(.unknownMemo(index: 5, offset: start), Array("h".utf8) + [5])
        refuses(.unknownMemo(index: 1 << 31, offset: start), Array("j".utf8) + [0, 0, 0, 0x80])
        refuses(.unknownMemo(index: 77, offset: start), Array("g77\n".utf8))
        refuses(.badText(expected: "an index", offset: start + 1), Array("Np-1\n".utf8))
        // Sparse indices take no more memory than dense ones.
        _ = try run(beside(Array("Nr".utf8) + [0xFF, 0xFF, 0xFF, 0xFF]))
        // The memo is each pickle's own.
        var legacy = Legacy()
        legacy.system += Array("q".utf8) + [0]
        legacy.root = Array("h".utf8) + [0]
        #expect(
            throws: CheckpointError.pickle(
                path: "test", .unknownMemo(index: 0, offset: legacy.rootOffset))
        ) { try open(legacy.bytes) }
    }

    @Test func limits() {
        var limits = CheckpointLimits.default
        limits.pickleValueCount = 1_000
        let many = [UInt8](repeating: UInt8(ascii: "N"), count: 1_001)
        refuses(.tooManyValues(limit: 1_000, offset: start + 1_000), many, limits: limits)
        // Through the memo, containers, and copies of containers.
        let memo = (0..<1_001).flatMap { Array("Np\($0)\n0".utf8) }
        #expect(throws: CheckpointError.self) { try run(memo, limits: limits) }
        let tuples = [UInt8](repeating: UInt8(ascii: ")"), count: 2_000)
        #expect(throws: CheckpointError.self) { try run(tuples, limits: limits) }
        let dictionary = Pickle.dictionary((0..<100).map { ("\($0)", Array("N".utf8)) })
        let ordered = Pickle.global("collections", "OrderedDict")
        let copy = ordered + Array("h\u{9}".utf8) + [0x85] + Array("R0".utf8)
        var bomb: [UInt8] = dictionary + [UInt8(ascii: "q"), 9]
        for _ in 0..<10 { bomb += copy }
        #expect {
            try run(bomb, limits: limits)
        } throws: {
            guard case CheckpointError.pickle(_, .tooManyValues(1_000, _)) = $0 else {
                return false
            }
            return true
        }

        limits = .default
        limits.pickleNesting = 10
        refuses(
            .tooDeep(limit: 10, offset: start + 10), [UInt8](repeating: 0x28, count: 11),
            limits: limits)
        limits = .default
        limits.pickleByteCount = 100
        let long = [UInt8](repeating: UInt8(ascii: "N"), count: 200)
        var legacy = Legacy()
        legacy.root = long
        let count = legacy.bytes.count - start + 2
        refuses(.tooLarge(limit: 100, found: count), long, limits: limits)
        #expect(
            throws: CheckpointError.pickle(
                path: "test", .tooLarge(limit: 100, found: Pickle.plainState.count + 3))
        ) { try open(Zip.checkpoint().bytes, limits: limits) }
    }

    /// Depth that no mark opens costs nothing, however a value contains others or itself.
    @Test func depthAndCycles() throws {
        let deep = Array("N".utf8) + [UInt8](repeating: 0x85, count: 1_000_000)
        _ = try run(beside(deep))
        let lists =
            [UInt8](repeating: UInt8(ascii: "]"), count: 500_000)
            + [UInt8](repeating: UInt8(ascii: "a"), count: 499_999)
        _ = try run(beside(lists))
        _ = try run(beside(Array("]q".utf8) + [1] + Array("h".utf8) + [1] + Array("a".utf8)))
        let cyclic = Array("}q".utf8) + [1] + Pickle.text("x") + Array("h".utf8) + [1]
        _ = try run(beside(cyclic + Array("s".utf8)))
        // A state dict that is its own.
        let own = Array("}q".utf8) + [1] + Pickle.text("state_dict") + Array("h".utf8) + [1]
        #expect(
            throws: CheckpointError.noTensors(path: "test", found: "a dict with `state_dict`")
        ) { try open(Zip.checkpoint(own + Array("s".utf8)).bytes) }
    }

    @Test func integers() throws {
        refuses(
            .integerTooLong(limit: 1_024, found: 1_025, offset: start),
            [0x8B] + Int32(1_025).little + [UInt8](repeating: 1, count: 1_025))
        refuses(
            .integerTooLong(limit: 1_024, found: -1, offset: start), [0x8B] + Int32(-1).little)
        refuses(
            .integerTooLong(limit: 1_024, found: 1_025, offset: start),
            Array("L".utf8) + [UInt8](repeating: 0x39, count: 1_025) + Array("\n".utf8))
        refuses(.badText(expected: "an integer", offset: start), Array("L\n".utf8))
        refuses(
            .badText(expected: "an integer", offset: start), Array("L99x9999999999999999\n".utf8))
        refuses(.badText(expected: "an integer of 64 bits", offset: start), Array("Ix\n".utf8))
        refuses(.badText(expected: "a number", offset: start), Array("Fx\n".utf8))
        // As entries of a state dict, integers show their values.
        let cases: [([UInt8], Double)] = [
            ([0x8A, 0], 0), ([0x8A, 1, 0xFF], -1), ([0x8A, 2, 0xFF, 0], 255),
            ([0x8A, 8, 0, 0, 0, 0, 0, 0, 0, 0x80], -0x1p63), (Array("I7\n".utf8), 7),
            (Array("L-9L\n".utf8), -9), (Array("J".utf8) + [0xFE, 0xFF, 0xFF, 0xFF], -2),
            (Array("K".utf8) + [255], 255), (Array("M".utf8) + [1, 2], 513),
            (Array("F2.5\n".utf8), 2.5), (Array("G".utf8) + [0x3F, 0xF0, 0, 0, 0, 0, 0, 0], 1),
        ]
        for (pickle, value) in cases {
            var legacy = Legacy()
            legacy.root = Pickle.dictionary([
                ("w", Pickle.tensor(Pickle.storage("0", count: 4), shape: [4], strides: [1])),
                ("n", pickle),
            ])
            #expect(try open(legacy.bytes)["n"]?.doubles() == [value])
        }
    }

    @Test func texts() throws {
        for opcode in [UInt8(ascii: "X")] {
            refuses(
                .badText(expected: "UTF-8", offset: start), [opcode] + UInt32(1).little + [0xFF])
        }
        refuses(.badText(expected: "UTF-8", offset: start), [0x8C, 1, 0xFF])
        refuses(.badText(expected: "UTF-8", offset: start), Array("c".utf8) + [0xFF, 10, 10])
        for text in ["", "'", "x", "'x\""] {
            refuses(
                .badText(expected: "a quoted string", offset: start), Array("S\(text)\n".utf8))
        }
        // Strings of Python 2 name tensors too.
        let tensor = Pickle.tensor(Pickle.storage("0", count: 4), shape: [4], strides: [1])
        for name in [Array("U".utf8) + [1, 0x77], Array("S'w'\n".utf8), Array("Vw\n".utf8)] {
            let state = Array("}(".utf8) + name + tensor + Array("u".utf8)
            #expect(try run(state)["w"]?.elementCount == 4)
        }
    }

    @Test func truncation() {
        let huge = UInt64(1) << 62
        for pickle: [UInt8] in [
            [0x8D] + huge.little, [0x8E] + UInt64.max.little, [0x96] + huge.little,
            [UInt8(ascii: "X")] + UInt32.max.little, [UInt8(ascii: "B")] + UInt32.max.little,
            [0x95] + huge.little, [UInt8(ascii: "T")] + UInt32.max.little,
        ] { refuses(.truncated(offset: start), pickle) }
        var legacy = Legacy()
        legacy.root = Array("V no line end".utf8)
        legacy.keys = []
        legacy.storages = []
        #expect(throws: CheckpointError.pickle(path: "test", .truncated(offset: start))) {
            try open(legacy.bytes)
        }
    }

    @Test func kinds() {
        func refused(_ expected: String, _ found: String, at offset: Int, _ pickle: [UInt8]) {
            refuses(
                .unexpectedValue(expected: expected, found: found, offset: start + offset), pickle)
        }
        refused("a list", "None", at: 2, Array("NNa".utf8))
        refused("a dict", "a list", at: 3, Array("]NNs".utf8))
        refused("a class", "None", at: 2, Array("N)R".utf8))
        refused("a class", "None", at: 2, Array("N)".utf8) + [0x81])
        refused("a class", "None", at: 1, Array("(o".utf8))
        refused("a tuple", "None", at: 1, Array("NQ".utf8))
        refused("a string", "None", at: 2, Array("NN".utf8) + [0x93])
        refused("an object", "None", at: 2, Array("NNb".utf8))
        let storageClass = Pickle.global("torch", "FloatStorage")
        refused(
            "a function", "`a storage class of F32`", at: storageClass.count + 1,
            storageClass + Array(")R".utf8))
        let ordered = Pickle.global("collections", "OrderedDict")
        let pairs = Pickle.tuple([Pickle.list([Pickle.tuple([Array("N".utf8)])])])
        refused(
            "a pair", "a tuple", at: ordered.count + pairs.count,
            ordered + pairs + Array("R".utf8))
    }

    @Test func storageIdentifiers() {
        func refused(_ expected: String, _ found: String, _ elements: [[UInt8]]) {
            let tuple = Pickle.tuple(elements)
            refuses(
                .unexpectedValue(expected: expected, found: found, offset: start + tuple.count),
                tuple + Array("Q".utf8))
        }
        let none = Array("N".utf8)
        let float = Pickle.global("torch", "FloatStorage")
        let storage = Pickle.text("storage")
        refused("a storage's identifier", "None", [])
        refused("a storage's identifier", "a string", [Pickle.text("module"), none])
        refused("five elements", "an integer", [storage, float])
        refused("a storage class", "None", [storage, none, none, none, none])
        refused("a storage's key", "None", [storage, float, none, none, none])
        refused("a storage's size", "None", [storage, float, storage, none, none])
        refused(
            "a storage's size", "an integer",
            [storage, float, storage, none, Pickle.integer(-1)])
    }

    @Test func tensorArguments() {
        func refused(
            _ expected: String, _ found: String, function: String = "_rebuild_tensor_v2",
            _ arguments: [[UInt8]]
        ) {
            let call = Pickle.global("torch._utils", function) + Pickle.tuple(arguments)
            refuses(
                .unexpectedValue(expected: expected, found: found, offset: start + call.count),
                call + Array("R".utf8))
        }
        let none = Array("N".utf8)
        let storage = Pickle.storage("0", count: 4)
        let zero = Pickle.integer(0)
        refused("four arguments", "an integer", [])
        refused("a storage", "None", [none, none, none, none])
        refused("a storage offset", "None", [storage, none, none, none])
        refused("a tuple", "None", [storage, zero, none, none])
        refused("an integer", "None", [storage, zero, Pickle.tuple([none]), none])
        refused(
            "an integer", "an integer",
            [storage, zero, Pickle.tuple([[0x8A, 9] + [UInt8](repeating: 1, count: 9)]), none])
        refused("seven arguments", "an integer", function: "_rebuild_tensor_v3", [storage])
        refused(
            "a dtype", "None", function: "_rebuild_tensor_v3",
            [storage, zero, none, none, none, none, none])
    }

    @Test func attributesMayNotReplaceElements() {
        let tensor = Pickle.tensor(Pickle.storage("0", count: 4), shape: [4], strides: [1])
        let state = Pickle.tuple([Pickle.storage("1", count: 4), Pickle.integer(0)])
        refuses(
            .unexpectedValue(
                expected: "a tensor's attributes", found: "a storage",
                offset: start + tensor.count + state.count),
            tensor + state + Array("b".utf8))
    }

    @Test func tensorsWithAttributes() throws {
        let function = Pickle.global("torch._tensor", "_rebuild_from_type_v2")
        func call(_ callee: [UInt8], _ type: [UInt8]) -> [UInt8] {
            let arguments = Pickle.tuple([
                Pickle.storage("0", count: 4), Pickle.integer(0),
                Pickle.tuple([Pickle.integer(4)]), Pickle.tuple([Pickle.integer(1)]),
            ])
            return function + Pickle.tuple([callee, type, arguments, Array("}".utf8)])
        }
        let rebuild = Pickle.global("torch._utils", "_rebuild_tensor_v2")
        let tensorClass = Pickle.global("torch", "Tensor")
        let good = Pickle.dictionary([("w", call(rebuild, tensorClass) + Array("R".utf8))])
        #expect(try run(good)["w"]?.doubles() == [1, 2, 3, 4])
        for (callee, type, expected, found) in [
            (
                function, tensorClass, "a function that makes a tensor",
                "`torch._tensor._rebuild_from_type_v2`"
            ),
            (Array("N".utf8), tensorClass, "a function that makes a tensor", "None"),
            (rebuild, Array("N".utf8), "torch.Tensor", "None"),
        ] {
            let pickle = call(callee, type)
            refuses(
                .unexpectedValue(
                    expected: expected, found: found, offset: start + pickle.count),
                pickle + Array("R".utf8))
        }
        refuses(
            .unexpectedValue(
                expected: "three arguments", found: "an integer",
                offset: start + function.count + 1),
            function + Array(")R".utf8))
    }
}
