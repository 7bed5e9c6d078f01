/// What is fuzzed: a function that must come back, whatever the bytes.
struct Target {
    let name: String
    let function: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
    /// Puts checksums and lengths right after a mutation: without, hardly an input gets behind them.
    var repair: (@convention(c) (UnsafeMutablePointer<UInt8>?, Int) -> Void)?
    /// In bytes: enough for time that grows with the square of the size to pass the limit.
    var largestInput = 128 << 10

    static var all: [Target] {
        [
            Target(
                name: "safetensors", function: { fuzzCheckpoint(bytes($0, $1)) },
                repair: { SafetensorsLength.repair(mutableBytes($0, $1)) }),
            Target(name: "model") { fuzzModel(bytes($0, $1)) },
            Target(name: "pickle") { fuzzPickle(bytes($0, $1)) },
            Target(
                name: "zip", function: { fuzzCheckpoint(bytes($0, $1)) },
                repair: { ZipChecksums.repair(mutableBytes($0, $1)) }),
            Target(name: "legacy") { fuzzCheckpoint(bytes($0, $1)) },
            Target(name: "jpeg") { fuzzPicture(bytes($0, $1)) },
            Target(
                name: "png", function: { fuzzPicture(bytes($0, $1)) },
                repair: { PNGChecksums.repair(mutableBytes($0, $1)) }),
            Target(name: "list") { fuzzList(bytes($0, $1)) },
            Target(name: "labels") { fuzzLabels(bytes($0, $1)) },
            Target(name: "graph", function: { fuzzGraph(bytes($0, $1)) }, largestInput: 256),
        ]
    }

    init(
        name: String,
        function: @escaping @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32,
        repair: (@convention(c) (UnsafeMutablePointer<UInt8>?, Int) -> Void)? = nil,
        largestInput: Int = 128 << 10
    ) {
        self.name = name
        self.function = function
        self.repair = repair
        self.largestInput = largestInput
    }
}

private func bytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: start, count: count)
}

private func mutableBytes(
    _ start: UnsafeMutablePointer<UInt8>?, _ count: Int
) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: start, count: count)
}
