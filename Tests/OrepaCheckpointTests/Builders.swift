import OrepaCheckpoint
import OrepaFiles
import TestSupport

extension FixedWidthInteger {
    /// The bytes, least significant first.
    var little: [UInt8] { (0..<bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> ($0 * 8)) } }
}

/// Pieces of pickles.
enum Pickle {
    static func text(_ text: String) -> [UInt8] {
        [UInt8(ascii: "X")] + UInt32(text.utf8.count).little + Array(text.utf8)
    }

    static func integer(_ value: Int) -> [UInt8] { [0x8A, 8] + Int64(value).little }

    static func global(_ module: String, _ name: String) -> [UInt8] {
        Array("c\(module)\n\(name)\n".utf8)
    }

    static func tuple(_ elements: [[UInt8]]) -> [UInt8] {
        [UInt8(ascii: "(")] + elements.flatMap { $0 } + [UInt8(ascii: "t")]
    }

    static func list(_ elements: [[UInt8]]) -> [UInt8] {
        Array("](".utf8) + elements.flatMap { $0 } + [UInt8(ascii: "e")]
    }

    static func dictionary(_ pairs: [(String, [UInt8])]) -> [UInt8] {
        Array("}(".utf8) + pairs.flatMap { text($0.0) + $0.1 } + [UInt8(ascii: "u")]
    }

    static func storage(
        _ key: String, type: String = "FloatStorage", count: Int, view: [UInt8] = []
    ) -> [UInt8] {
        tuple(
            [text("storage"), global("torch", type), text(key), text("cpu"), integer(count), view])
            + [UInt8(ascii: "Q")]
    }

    static func tensor(
        _ storage: [UInt8], offset: Int = 0, shape: [Int], strides: [Int], more: [[UInt8]] = []
    ) -> [UInt8] {
        global("torch._utils", "_rebuild_tensor_v2")
            + tuple(
                [
                    storage, integer(offset), tuple(shape.map(integer)),
                    tuple(strides.map(integer)), [0x89], global("collections", "OrderedDict"),
                    Array(")R".utf8),
                ] + more) + [UInt8(ascii: "R")]
    }

    /// A tensor called `w` of four Float32 elements in storage `0`, in a state dict of its own.
    static let plainState = dictionary([
        ("w", tensor(storage("0", count: 4), shape: [4], strides: [1]))
    ])
}

/// A file of torch's legacy format around a pickle.
struct Legacy {
    var magic = [0x8A, 10] + LegacyMagic.bytes
    var version = Pickle.integer(1001)
    var system = Pickle.dictionary([("little_endian", [0x88])])
    var root = Pickle.plainState
    var keys = Pickle.list([Pickle.text("0")])
    var storages: [UInt8] = Int64(4).little + Legacy.floats([1, 2, 3, 4])

    static func floats(_ values: [Float]) -> [UInt8] { values.flatMap { $0.bitPattern.little } }

    var bytes: [UInt8] {
        [magic, version, system, root, keys].flatMap { [0x80, 2] + $0 + [UInt8(ascii: ".")] }
            + storages
    }

    /// Where the pickle of the state dict starts, behind its protocol.
    var rootOffset: Int { magic.count + version.count + system.count + 9 + 2 }
}

enum LegacyMagic {
    static let bytes: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
}

/// A zip file whose records can be made to lie.
struct Zip {
    struct Member {
        var name: String
        var data: [UInt8]
        var flags: UInt16 = 0
        var method: UInt16 = 0
        var checksum: UInt32
        var size: UInt32
        var compressedSize: UInt32
        var localName: String?
        var localFlags: UInt16?
        var localMethod: UInt16?
        var localChecksum: UInt32?
        var localSize: UInt32?
        var localSignature: UInt32 = 0x0403_4B50
        var signature: UInt32 = 0x0201_4B50
        var offset: UInt32?
        var extra: [UInt8] = []
        var rawName: [UInt8]?

        init(_ name: String, _ data: [UInt8]) {
            self.name = name
            self.data = data
            checksum = CRC32.of(data)
            size = UInt32(data.count)
            compressedSize = size
        }
    }

    var members: [Member]
    var entryCount: UInt16?
    var directorySize: UInt32?
    var directoryOffset: UInt32?
    var disk: UInt16 = 0
    var comment: [UInt8] = []
    /// What lies between the directory and the end record, given the directory's place.
    var beforeEnd: (_ offset: Int, _ size: Int) -> [UInt8] = { _, _ in [] }

    init(_ members: [Member]) { self.members = members }

    /// A checkpoint in torch's zip format.
    static func checkpoint(
        _ pickle: [UInt8] = Pickle.plainState, storage: [UInt8] = Legacy.floats([1, 2, 3, 4])
    ) -> Zip {
        Zip([
            Member("a/data.pkl", [0x80, 2] + pickle + [UInt8(ascii: ".")]),
            Member("a/byteorder", Array("little".utf8)),
            Member("a/data/0", storage),
            Member("a/version", Array("3\n".utf8)),
        ])
    }

    subscript(name: String) -> Member {
        get { members.first { $0.name == name }! }
        set { members[members.firstIndex { $0.name == name }!] = newValue }
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for member in members {
            let offset = UInt32(bytes.count)
            let name = Array(member.name.utf8)
            let localName = Array((member.localName ?? member.name).utf8)
            bytes += member.localSignature.little + UInt16(20).little
            bytes += (member.localFlags ?? member.flags).little
            bytes += (member.localMethod ?? member.method).little + [0, 0, 0, 0]
            bytes += (member.localChecksum ?? member.checksum).little
            bytes += (member.localSize ?? member.compressedSize).little
            bytes += (member.localSize ?? member.size).little
            bytes += UInt16(localName.count).little + UInt16(0).little + localName
            bytes += member.data
            directory += member.signature.little + UInt32(0).little + member.flags.little
            directory += member.method.little + [0, 0, 0, 0] + member.checksum.little
            directory += member.compressedSize.little + member.size.little
            directory += UInt16((member.rawName ?? name).count).little
            directory += UInt16(member.extra.count).little
            directory += [UInt8](repeating: 0, count: 10)
            directory += (member.offset ?? offset).little + (member.rawName ?? name) + member.extra
        }
        let offset = bytes.count
        let count = entryCount ?? UInt16(members.count)
        bytes += directory + beforeEnd(offset, directory.count)
        bytes += [0x50, 0x4B, 5, 6] + disk.little + disk.little + count.little + count.little
        bytes += (directorySize ?? UInt32(directory.count)).little
        bytes += (directoryOffset ?? UInt32(offset)).little
        return bytes + UInt16(comment.count).little + comment
    }
}

/// Opens `bytes` as a checkpoint at the path `test`.
func open(
    _ bytes: [UInt8], limits: CheckpointLimits = .default
) throws(CheckpointError) -> Checkpoint {
    try Checkpoint(FileBytes(bytes, path: "test"), limits: limits)
}
