import COrepa

/// A struct of the header, whose first field tells how much of it its owner knows. All of them are plain data.
protocol SizedStruct {
    /// Its name in the header.
    static var headerName: String { get }
    /// All bytes zero.
    init()
    /// Its size in version 1 of the table, which nobody's is below.
    static var leastSize: Int { get }
}

extension orepa_model_options: SizedStruct {
    static let headerName = "orepa_model_options"
    static let leastSize = MemoryLayout.offset(of: \orepa_model_options.trust_packed_weights)!
}
extension orepa_model_info: SizedStruct { static let headerName = "orepa_model_info" }
extension orepa_stage: SizedStruct { static let headerName = "orepa_stage" }
extension orepa_memory_requirement: SizedStruct {
    static let headerName = "orepa_memory_requirement"
}
extension orepa_picture: SizedStruct { static let headerName = "orepa_picture" }
extension orepa_run_options: SizedStruct { static let headerName = "orepa_run_options" }
extension orepa_prediction: SizedStruct { static let headerName = "orepa_prediction" }
extension orepa_values: SizedStruct { static let headerName = "orepa_values" }
extension orepa_stage_output: SizedStruct { static let headerName = "orepa_stage_output" }
extension orepa_outputs: SizedStruct { static let headerName = "orepa_outputs" }
extension orepa_metadata: SizedStruct { static let headerName = "orepa_metadata" }

extension SizedStruct {
    static var leastSize: Int { MemoryLayout<Self>.size }
    /// No struct will ever be this large: a larger number is a field that was not set.
    private static var mostSize: Int { 4096 }

    /// How much of the struct at `pointer` its owner knows.
    static func size(
        at pointer: UnsafeRawPointer, _ argument: @autoclosure () -> String
    ) throws(Failure) -> Int {
        let size = pointer.load(as: UInt.self)
        guard UInt(leastSize)...UInt(mostSize) ~= size,
            size % UInt(MemoryLayout<Self>.alignment) == 0
        else {
            throw .argument(
                "\(argument()).size", expected: "sizeof(\(headerName)), \(MemoryLayout<Self>.size)",
                found: "\(size)")
        }
        return Int(size)
    }

    /// A copy of the struct at `pointer`, with zeros for what its owner does not know.
    static func read(
        _ pointer: UnsafeRawPointer, _ argument: @autoclosure () -> String
    ) throws(Failure) -> Self {
        let size = try size(at: pointer, argument())
        let known = MemoryLayout<Self>.size
        if size > known {
            let rest = UnsafeRawBufferPointer(start: pointer + known, count: size - known)
            guard rest.allSatisfy({ $0 == 0 }) else {
                throw Failure(
                    OREPA_UNSUPPORTED,
                    "\(argument()): expected zeros after the \(known) bytes of \(headerName) that this "
                        + "library knows, found others; a newer library is needed")
            }
        }
        var value = Self()
        withUnsafeMutableBytes(of: &value) {
            $0.copyMemory(
                from: UnsafeRawBufferPointer(start: pointer, count: min(size, known)))
        }
        return value
    }

    /// The struct at `pointer`, or the default for NULL.
    static func readOptional(_ pointer: UnsafePointer<Self>?, _ argument: String) throws(Failure)
        -> Self
    {
        guard let pointer else { return Self() }
        return try read(UnsafeRawPointer(pointer), argument)
    }

    /// Writes the fields of the struct that its owner knows. Its `size` stays.
    func write(to pointer: UnsafeMutablePointer<Self>?, _ argument: String) throws(Failure) {
        guard let pointer else {
            throw .null(argument, expected: "where to write an \(Self.headerName)")
        }
        let size = try Self.size(at: pointer, argument)
        let target = UnsafeMutableRawBufferPointer(
            start: UnsafeMutableRawPointer(pointer), count: size)
        let header = MemoryLayout<Int>.size
        let known = min(size, MemoryLayout<Self>.size)
        withUnsafeBytes(of: self) {
            UnsafeMutableRawBufferPointer(rebasing: target[header..<known])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[header..<known]))
        }
        for index in known..<size { target[index] = 0 }
    }
}
