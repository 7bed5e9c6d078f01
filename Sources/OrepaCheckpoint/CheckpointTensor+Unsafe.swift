import OrepaFiles

extension CheckpointTensor {
    /// The elements in row-major order, each converted to Double: exact but for 64-bit integers beyond 2^53.
    ///
    /// Verifies the storage's checksum when this is the first time that it is read.
    public func doubles() throws(CheckpointError) -> [Double] {
        try storage.verify()
        return switch elementType {
        case .float64: elements(UInt64.self) { Double(bitPattern: $0) }
        case .float32: elements(UInt32.self) { Double(Float(bitPattern: $0)) }
        case .float16: elements(UInt16.self) { Double(Float16(bitPattern: $0)) }
        case .bfloat16: elements(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
        case .int64: elements(Int64.self) { Double($0) }
        case .int32: elements(Int32.self) { Double($0) }
        case .int16: elements(Int16.self) { Double($0) }
        case .int8: elements(Int8.self) { Double($0) }
        case .uint64: elements(UInt64.self) { Double($0) }
        case .uint32: elements(UInt32.self) { Double($0) }
        case .uint16: elements(UInt16.self) { Double($0) }
        case .uint8: elements(UInt8.self) { Double($0) }
        case .bool: elements(UInt8.self) { $0 == 0 ? 0 : 1 }
        }
    }

    /// The elements in row-major order, each converted to Float: rounded once where Float holds fewer digits.
    ///
    /// Verifies the storage's checksum when this is the first time that it is read.
    public func floats() throws(CheckpointError) -> [Float] {
        try storage.verify()
        return switch elementType {
        case .float64: elements(UInt64.self) { Float(Double(bitPattern: $0)) }
        case .float32: elements(UInt32.self) { Float(bitPattern: $0) }
        case .float16: elements(UInt16.self) { Float(Float16(bitPattern: $0)) }
        case .bfloat16: elements(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
        case .int64: elements(Int64.self) { Float($0) }
        case .int32: elements(Int32.self) { Float($0) }
        case .int16: elements(Int16.self) { Float($0) }
        case .int8: elements(Int8.self) { Float($0) }
        case .uint64: elements(UInt64.self) { Float($0) }
        case .uint32: elements(UInt32.self) { Float($0) }
        case .uint16: elements(UInt16.self) { Float($0) }
        case .uint8: elements(UInt8.self) { Float($0) }
        case .bool: elements(UInt8.self) { $0 == 0 ? 0 : 1 }
        }
    }

    /// Reads the elements as `Raw`, in the machine's byte order, and converts each.
    ///
    /// The initialiser has checked that every element lies within the storage.
    @inline(__always)
    private func elements<Raw: FixedWidthInteger, Value>(
        _ raw: Raw.Type, _ convert: (Raw) -> Value
    ) -> [Value] {
        let source = UnsafeRawBufferPointer(rebasing: storage.file.bytes[span])
        let size = MemoryLayout<Raw>.size
        return Array(unsafeUninitializedCapacity: elementCount) { target, count in
            if isContiguous {
                if storage.isBigEndian {
                    for index in 0..<elementCount {
                        let value = source.loadUnaligned(fromByteOffset: index * size, as: raw)
                        target.initializeElement(at: index, to: convert(Raw(bigEndian: value)))
                    }
                } else {
                    for index in 0..<elementCount {
                        let value = source.loadUnaligned(fromByteOffset: index * size, as: raw)
                        target.initializeElement(at: index, to: convert(Raw(littleEndian: value)))
                    }
                }
            } else {
                // Counts through the indices, the last one fastest, and keeps the position along. The stride of a
                // dimension of one element may be anything, hence the wrapping arithmetic.
                var indices = [Int](repeating: 0, count: shape.count)
                var position = 0
                for index in 0..<elementCount {
                    let value = source.loadUnaligned(fromByteOffset: position * size, as: raw)
                    let ordered =
                        storage.isBigEndian ? Raw(bigEndian: value) : Raw(littleEndian: value)
                    target.initializeElement(at: index, to: convert(ordered))
                    var dimension = shape.count - 1
                    while dimension >= 0 {
                        indices[dimension] += 1
                        position &+= strides[dimension]
                        if indices[dimension] < shape[dimension] { break }
                        position &-= shape[dimension] &* strides[dimension]
                        indices[dimension] = 0
                        dimension -= 1
                    }
                }
            }
            count = elementCount
        }
    }
}
