import OrepaFiles

/// The directory of a zip file whose members are stored as they are.
///
/// Reads what `torch.save` writes: zip64 records, data descriptors, padding in extra fields. The central directory
/// decides: opening reads nothing else, so that members nobody asks for are never touched. They must lie within
/// the file, apart from each other, and be neither compressed nor encrypted. A local header is read when its
/// member is asked for, and must agree with the directory.
struct ZipArchive {
    struct Member: Hashable {
        let name: String
        /// Where its contents are within the file.
        let range: Range<Int>
        let checksum: UInt32
    }

    private let file: FileBytes
    private let entries: [Entry]
    /// For each entry, where the next local header or the directory begins.
    private let limits: [Int]
    private let indices: [ByteName: Int]

    /// The members' names in the order of the central directory.
    var names: some Sequence<String> { entries.lazy.map(\.name) }

    /// The member called `name`, or nil.
    func member(_ name: String) throws(ZipError) -> Member? {
        guard let index = indices[ByteName(name)] else { return nil }
        return try Self.locate(entries[index], in: file, limit: limits[index])
    }

    /// Reads the directory. `otherKind` is asked, before the members are looked at, whether their names are those of
    /// an archive that is meant for something else.
    init(
        _ file: FileBytes, otherKind: ([String]) -> String? = { _ in nil }
    ) throws(ZipError) {
        let end = try Self.findEnd(file)
        let entries = try Self.readDirectory(file, end)
        if let found = otherKind(entries.map(\.name)) { throw .otherKind(found) }

        var indices: [ByteName: Int] = [:]
        indices.reserveCapacity(entries.count)
        for (index, entry) in entries.enumerated() {
            guard indices.updateValue(index, forKey: ByteName(entry.name)) == nil else {
                throw .duplicateMember(name: entry.name)
            }
        }
        for entry in entries {
            guard entry.flags & Entry.encrypted == 0 else {
                throw .encryptedMember(name: entry.name)
            }
            guard entry.method == 0 else {
                throw .compressedMember(name: entry.name, method: Int(entry.method))
            }
            guard entry.compressedSize == entry.size else {
                throw .sizeMismatch(
                    name: entry.name, expected: entry.size, found: entry.compressedSize)
            }
        }

        // From one local header to the end of its contents: none may reach into the next, or into the directory.
        let order = entries.indices.sorted { entries[$0].offset < entries[$1].offset }
        var limits = [Int](repeating: end.directory.lowerBound, count: entries.count)
        var previous: Int?
        var previousEnd = 0
        for index in order {
            let entry = entries[index]
            guard entry.offset >= previousEnd else {
                throw .overlappingMembers(
                    name: entry.name, expected: previousEnd, found: entry.offset)
            }
            // The extra field, which the directory does not know, comes on top.
            let start = entry.offset + 30 + entry.name.utf8.count
            let room = end.directory.lowerBound - start
            guard room >= 0, entry.size <= UInt64(room) else {
                throw .memberBeyondEnd(name: entry.name, expected: entry.size, found: room)
            }
            if let previous { limits[previous] = entry.offset }
            previous = index
            previousEnd = start + Int(entry.size)
        }
        self.file = file
        self.entries = entries
        self.limits = limits
        self.indices = indices
    }

    // MARK: - End of central directory

    private struct End {
        let entryCount: Int
        let directory: Range<Int>
    }

    private static let endSignature: [UInt8] = [0x50, 0x4B, 5, 6]
    private static let endSize = 22

    private static func findEnd(_ file: FileBytes) throws(ZipError) -> End {
        // The record is the last thing in the file but for a comment of at most 65,535 bytes.
        let highest = file.count - endSize
        let lowest = max(0, highest - 0xFFFF)
        var candidate = highest
        while candidate >= lowest {
            if file.hasBytes(endSignature, at: candidate) {
                var reader = ByteReader(file, in: candidate + 20..<candidate + 22)
                if let comment = reader.littleEndian(UInt16.self),
                    candidate + endSize + Int(comment) == file.count
                {
                    return try readEnd(file, at: candidate)
                }
            }
            candidate -= 1
        }
        throw .noEndRecord(size: file.count)
    }

    private static func readEnd(_ file: FileBytes, at position: Int) throws(ZipError) -> End {
        var reader = ByteReader(file, in: position + 4..<position + endSize)
        guard let disk = reader.littleEndian(UInt16.self),
            let directoryDisk = reader.littleEndian(UInt16.self),
            let entriesHere = reader.littleEndian(UInt16.self),
            let entries = reader.littleEndian(UInt16.self),
            let size = reader.littleEndian(UInt32.self),
            let offset = reader.littleEndian(UInt32.self)
        else { throw .noEndRecord(size: file.count) }

        let locatorPosition = position - 20
        guard file.hasBytes([0x50, 0x4B, 6, 7], at: locatorPosition) else {
            guard disk == 0, directoryDisk == 0, entriesHere == entries else {
                throw .severalDisks(found: Int(max(disk, directoryDisk)))
            }
            return try end(
                entries: UInt64(entries), size: UInt64(size), offset: UInt64(offset),
                before: position)
        }
        var locator = ByteReader(file, in: locatorPosition + 4..<position)
        guard let recordDisk = locator.littleEndian(UInt32.self),
            let recordOffset = locator.littleEndian(UInt64.self), recordDisk == 0,
            let recordPosition = Int(exactly: recordOffset), recordPosition <= locatorPosition - 56,
            file.hasBytes([0x50, 0x4B, 6, 6], at: recordPosition)
        else { throw .badZip64Record(offset: locatorPosition) }
        var record = ByteReader(file, in: recordPosition + 16..<recordPosition + 56)
        guard let disk64 = record.littleEndian(UInt32.self),
            let directoryDisk64 = record.littleEndian(UInt32.self),
            let entriesHere64 = record.littleEndian(UInt64.self),
            let entries64 = record.littleEndian(UInt64.self),
            let size64 = record.littleEndian(UInt64.self),
            let offset64 = record.littleEndian(UInt64.self)
        else { throw .badZip64Record(offset: locatorPosition) }
        guard disk64 == 0, directoryDisk64 == 0, entriesHere64 == entries64 else {
            throw .severalDisks(found: Int(max(disk64, directoryDisk64)))
        }
        // The short record holds the same figures, or all ones where they do not fit.
        guard entries == .max || UInt64(entries) == entries64,
            size == .max || UInt64(size) == size64,
            offset == .max || UInt64(offset) == offset64
        else { throw .badZip64Record(offset: recordPosition) }
        return try end(entries: entries64, size: size64, offset: offset64, before: recordPosition)
    }

    private static func end(
        entries: UInt64, size: UInt64, offset: UInt64, before position: Int
    ) throws(ZipError) -> End {
        let (sum, overflow) = size.addingReportingOverflow(offset)
        guard !overflow, sum == UInt64(position) else {
            throw .badDirectory(offset: offset, size: size, expectedEnd: position)
        }
        // A directory entry takes 46 bytes and its name at least one.
        guard entries <= size / 47 else {
            throw .tooManyMembers(limit: Int(size / 47), found: entries)
        }
        return End(entryCount: Int(entries), directory: Int(offset)..<position)
    }

    // MARK: - Central directory

    private struct Entry {
        static let encrypted: UInt16 = 1
        static let hasDescriptor: UInt16 = 1 << 3

        let name: String
        let flags: UInt16
        let method: UInt16
        let checksum: UInt32
        let compressedSize: UInt64
        let size: UInt64
        let offset: Int
    }

    private static func readDirectory(
        _ file: FileBytes, _ end: End
    ) throws(ZipError) -> [Entry] {
        var reader = ByteReader(file, in: end.directory)
        var entries: [Entry] = []
        entries.reserveCapacity(end.entryCount)
        for _ in 0..<end.entryCount {
            let start = reader.position
            guard let signature = reader.littleEndian(UInt32.self), signature == 0x0201_4B50,
                reader.take(4) != nil,
                let flags = reader.littleEndian(UInt16.self),
                let method = reader.littleEndian(UInt16.self),
                reader.take(4) != nil,
                let checksum = reader.littleEndian(UInt32.self),
                let compressedSize32 = reader.littleEndian(UInt32.self),
                let size32 = reader.littleEndian(UInt32.self),
                let nameLength = reader.littleEndian(UInt16.self),
                let extraLength = reader.littleEndian(UInt16.self),
                let commentLength = reader.littleEndian(UInt16.self),
                reader.take(8) != nil,
                let offset32 = reader.littleEndian(UInt32.self),
                let nameRange = reader.take(Int(nameLength)),
                let extraRange = reader.take(Int(extraLength)),
                reader.take(Int(commentLength)) != nil
            else { throw .badDirectoryEntry(offset: start) }
            guard nameRange.count <= ByteName.largestByteCount,
                let name = file.string(nameRange), !name.isEmpty
            else {
                throw .badMemberName(offset: nameRange.lowerBound)
            }
            var size = UInt64(size32)
            var compressedSize = UInt64(compressedSize32)
            var offset = UInt64(offset32)
            if size32 == .max || compressedSize32 == .max || offset32 == .max {
                guard var extra = zip64Extra(file, in: extraRange) else {
                    throw .badDirectoryEntry(offset: start)
                }
                // Only what does not fit above is there, in this order.
                if size32 == .max {
                    guard let value = extra.littleEndian(UInt64.self) else {
                        throw .badDirectoryEntry(offset: start)
                    }
                    size = value
                }
                if compressedSize32 == .max {
                    guard let value = extra.littleEndian(UInt64.self) else {
                        throw .badDirectoryEntry(offset: start)
                    }
                    compressedSize = value
                }
                if offset32 == .max {
                    guard let value = extra.littleEndian(UInt64.self) else {
                        throw .badDirectoryEntry(offset: start)
                    }
                    offset = value
                }
            }
            guard offset < UInt64(end.directory.lowerBound) else {
                throw .memberBeyondEnd(
                    name: name, expected: offset, found: end.directory.lowerBound)
            }
            entries.append(
                Entry(
                    name: name, flags: flags, method: method, checksum: checksum,
                    compressedSize: compressedSize, size: size, offset: Int(offset)))
        }
        guard reader.remaining == 0 else { throw .badDirectoryEntry(offset: reader.position) }
        return entries
    }

    /// The zip64 field among the extra fields in `range`.
    private static func zip64Extra(_ file: FileBytes, in range: Range<Int>) -> ByteReader? {
        var reader = ByteReader(file, in: range)
        while let identifier = reader.littleEndian(UInt16.self),
            let length = reader.littleEndian(UInt16.self),
            let field = reader.take(Int(length))
        {
            if identifier == 1 { return ByteReader(file, in: field) }
        }
        return nil
    }

    // MARK: - Local headers

    private static func locate(
        _ entry: Entry, in file: FileBytes, limit: Int
    ) throws(ZipError) -> Member {
        var reader = ByteReader(file, in: entry.offset..<limit)
        guard let signature = reader.littleEndian(UInt32.self), signature == 0x0403_4B50,
            reader.take(2) != nil,
            let flags = reader.littleEndian(UInt16.self),
            let method = reader.littleEndian(UInt16.self),
            reader.take(4) != nil,
            let checksum = reader.littleEndian(UInt32.self),
            let compressedSize = reader.littleEndian(UInt32.self),
            let size = reader.littleEndian(UInt32.self),
            let nameLength = reader.littleEndian(UInt16.self),
            let extraLength = reader.littleEndian(UInt16.self),
            let name = reader.take(Int(nameLength)),
            let extraRange = reader.take(Int(extraLength))
        else { throw .badLocalHeader(name: entry.name, offset: entry.offset) }
        guard file.hasBytes(Array(entry.name.utf8), at: name.lowerBound),
            name.count == entry.name.utf8.count
        else {
            throw .localHeaderDiffers(name: entry.name, field: "name")
        }
        guard method == entry.method else {
            throw .localHeaderDiffers(name: entry.name, field: "method")
        }
        guard flags == entry.flags else {
            throw .localHeaderDiffers(name: entry.name, field: "flags")
        }
        // Sizes that were not known when the header was written are zero here and follow the contents.
        let isDeferred = flags & Entry.hasDescriptor != 0
        guard checksum == entry.checksum || isDeferred && checksum == 0 else {
            throw .localHeaderDiffers(name: entry.name, field: "checksum")
        }
        var localSize = UInt64(size)
        var localCompressedSize = UInt64(compressedSize)
        if size == .max || compressedSize == .max {
            guard var extra = zip64Extra(file, in: extraRange) else {
                throw .badLocalHeader(name: entry.name, offset: entry.offset)
            }
            if size == .max { localSize = extra.littleEndian(UInt64.self) ?? localSize }
            if compressedSize == .max {
                localCompressedSize = extra.littleEndian(UInt64.self) ?? localCompressedSize
            }
        }
        guard localSize == entry.size || isDeferred && localSize == 0,
            localCompressedSize == entry.compressedSize || isDeferred && localCompressedSize == 0
        else { throw .localHeaderDiffers(name: entry.name, field: "size") }
        guard let count = Int(exactly: entry.size), let range = reader.take(count) else {
            throw .memberBeyondEnd(name: entry.name, expected: entry.size, found: reader.remaining)
        }
        return Member(name: entry.name, range: range, checksum: entry.checksum)
    }
}
