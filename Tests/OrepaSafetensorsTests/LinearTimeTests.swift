import OrepaFiles
import OrepaJSON
import OrepaSafetensors
import TestSupport
import Testing

/// Twice the input takes less than three times the time, whatever somebody has put into it.
@Suite(.serialized) struct LinearTimeTests {
    private static let marks = "\u{345}\u{316}"

    private func lengthBytes(_ count: Int) -> [UInt8] {
        let length = UInt64(count)
        return (0..<8 as Range<UInt64>).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    }

    private func file(header: String) -> FileBytes {
        let bytes = Array(header.utf8)
        return FileBytes(lengthBytes(bytes.count) + bytes, path: "test")
    }

    private func entry(_ name: String, shape: String = "[0]") -> String {
        "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[0,0]}"
    }

    /// What `element` gives for each number, with commas between.
    private func list(_ count: Int, _ element: (Int) -> String) -> String {
        var elements: [String] = []
        for index in 0..<count { elements.append(element(index)) }
        return elements.joined(separator: ",")
    }

    @Test(arguments: [
        "many names", "names of combining marks", "canonically equal beginnings",
    ])
    func headersWithManyTensors(kind: String) throws {
        func name(_ index: Int) -> String {
            switch kind {
            case "many names": return "layer\(index).weight"
            case "names of combining marks":
                return "a" + String(repeating: Self.marks, count: 500) + "\(index)"
            default:
                let letter = index % 2 == 0 ? "\u{E9}" : "e\u{301}"
                return String(repeating: letter, count: 9) + "\(index)"
            }
        }
        let count = kind == "names of combining marks" ? 200 : 4000
        let growth = try growth(doubling: count) { count in
            file(header: "{" + list(count) { entry(name($0)) } + "}")
        } run: {
            let file = try SafetensorsFile($0)
            for entry in file.entries {
                #expect(file[entry.name]?.name.utf8.count == entry.name.utf8.count)
            }
        }
        #expect(growth < 3)
    }

    @Test(arguments: ["name", "field", "type", "key of metadata", "value of metadata"])
    func oneLongText(place: String) {
        func header(_ count: Int) -> String {
            let text = "a" + String(repeating: Self.marks, count: count)
            return switch place {
            case "name": "{\(entry(text))}"
            case "field": "{\"a\":{\"\(text)\":1}}"
            case "type": "{\"a\":{\"dtype\":\"\(text)\"}}"
            case "key of metadata": "{\"__metadata__\":{\"\(text)\":\"\"}}"
            default: "{\"__metadata__\":{\"a\":\"\(text)\"}}"
            }
        }
        func read(_ file: FileBytes) {
            do throws(SafetensorsError) {
                let contents = try SafetensorsFile(file)
                #expect(place == "value of metadata" && contents.metadata.count == 1)
            } catch {
                guard case .malformedHeader(_, _, "a name of at most 4096 bytes", _) = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
        let growth = growth(doubling: 50_000) {
            file(header: header($0))
        } run: {
            read($0)
        }
        #expect(growth < 3)
    }

    @Test(arguments: [
        "keys", "keys of combining marks", "numbers", "texts", "long text", "escapes",
    ])
    func texts(kind: String) throws {
        let marks = String(repeating: Self.marks, count: 500)
        func text(_ count: Int) -> String {
            switch kind {
            case "keys": return "{" + list(count) { "\"\($0)\":1" } + "}"
            case "keys of combining marks":
                return "{" + list(count / 100) { "\"a\(marks)\($0)\":1" } + "}"
            case "numbers": return "[" + list(count) { "\($0).5e3" } + "]"
            case "texts": return "[" + list(count) { "\"\($0)\"" } + "]"
            case "long text": return "\"" + String(repeating: "a\u{301}", count: 10 * count) + "\""
            default: return "\"" + String(repeating: "\\u0301", count: 10 * count) + "\""
            }
        }
        let growth = try growth(doubling: 8_000) {
            FileBytes(text($0).utf8, path: "")
        } run: {
            _ = try JSONValue(parsing: $0)
        }
        #expect(growth < 3)
    }

    @Test func canonicallyEqualNamesAreTwoTensors() throws {
        let names = ["caf\u{E9}", "cafe\u{301}"]
        let found = try SafetensorsFile(
            file(header: "{" + names.map { entry($0) }.joined(separator: ",") + "}"))
        #expect(found.entries.map { Array($0.name.utf8) } == names.map { Array($0.utf8) })
        #expect(throws: SafetensorsError.self) {
            try SafetensorsFile(file(header: "{\(entry(names[0])),\(entry(names[0]))}"))
        }
        let json = try JSONValue(parsing: "{\"\(names[0])\":1,\"\(names[1])\":2}")
        guard case .object(let members) = json else {
            Issue.record("no object")
            return
        }
        #expect(members.map { Array($0.0.utf8) } == names.map { Array($0.utf8) })
    }

    @Test func filesHaveAtMost262144Names() throws {
        let limit = 1 << 18
        func metadata(_ count: Int) -> FileBytes {
            file(header: "{\"__metadata__\":{" + list(count) { "\"\($0)\":\"\"" } + "}}")
        }
        #expect(try SafetensorsFile(metadata(limit)).metadata.count == limit)
        let error = SafetensorsError.tooManyNames(path: "test", limit: limit)
        #expect(throws: error) { try SafetensorsFile(metadata(limit + 1)) }
        let tensors = list(limit + 2) { entry("\($0)") }
        #expect(throws: error) { try SafetensorsFile(file(header: "{\(tensors)}")) }
    }

    @Test func shapesHaveAtMost64Dimensions() throws {
        func shape(_ rank: Int) -> String {
            "[" + list(rank) { _ in "0" } + "]"
        }
        #expect(
            try SafetensorsFile(file(header: "{\(entry("a", shape: shape(64)))}"))
                .entries[0].shape.count == 64)
        #expect(
            throws: SafetensorsError.tooManyDimensions(
                path: "test", tensor: "a", limit: 64, found: 65)
        ) { try SafetensorsFile(file(header: "{\(entry("a", shape: shape(65)))}")) }
    }

    /// Sentences hold nothing that a terminal obeys, and are of bounded length.
    @Test func errorsAreForPrinting() {
        let name = "\\u001b[2J\u{202E}" + String(repeating: "x", count: 3000)
        let header = "{\(entry(name, shape: "[9]"))}"
        #expect(throws: SafetensorsError.self) { try SafetensorsFile(file(header: header)) }
        do { _ = try SafetensorsFile(file(header: header)) } catch {
            #expect(error.description.hasPrefix("test: tensor `\\u{1B}[2J\\u{202E}xxx"))
            #expect(error.description.utf8.count < 400)
        }
    }

    /// Headers whose bytes are changed, left out and repeated at random are read or refused.
    @Test func damagedHeadersAreReadOrRefused() {
        let whole = Array(
            #"{"__metadata__":{"a":"b\u00e9"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}"#
                .utf8)
        var random = SeededRandom(11)
        var read = 0
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1:
                    bytes[place] = Array("0123456789[]{},:\"\\-eu".utf8).randomElement(
                        using: &random)!
                case 2: bytes.remove(at: place)
                default:
                    let end = min(bytes.count, place + Int.random(in: 1...30, using: &random))
                    bytes.insert(contentsOf: bytes[place..<end], at: place)
                }
            }
            let data = [UInt8](repeating: 0, count: 8)
            let file = FileBytes(lengthBytes(bytes.count) + bytes + data, path: "test")
            if let found = try? SafetensorsFile(file) {
                read += 1
                let sizes = found.entries.map { found.bytes(of: $0).count }
                #expect(sizes.reduce(0, +) == 8)
            }
            _ = try? JSONValue(parsing: FileBytes(bytes, path: "test"))
        }
        #expect(read > 1000)
    }
}
