import Foundation
import OrepaFiles
import OrepaNetwork
import OrepaSafetensors
import TestSupport
import Testing

/// The JSON under `orepa.model`: that it is written as ever, and what is said of documents that are no such thing.
@Suite struct ModelDocumentTests {
    private static func document(at path: String) throws -> String {
        try #require(SafetensorsFile(FileBytes(mapping: path)).metadata["orepa.model"])
    }

    /// A file that an earlier orepa wrote comes out byte for byte when it is read and written again.
    @Test func writesTheDefaultModelAsItIs() throws {
        let path = repositoryFile("models/fashion-mnist-repvgg/model.safetensors")
        let copy = ModelFileTests.temporaryPath()
        defer { unlink(copy) }
        try ModelFile(path: path).write(to: copy, overwrite: false)
        #expect(
            try ModelDocumentTests.document(at: copy) == ModelDocumentTests.document(at: path))
        let (written, original) = try (FileBytes(mapping: copy), FileBytes(mapping: path))
        let isSame = written.withBytes { written in
            original.withBytes { written.elementsEqual($0) }
        }
        #expect(isSame)
    }

    /// Sorted keys, no spaces, no `.0`, and nothing for what is nil.
    @Test func layout() throws {
        var model = try ModelFileTests.model()
        let path = ModelFileTests.temporaryPath()
        defer { unlink(path) }
        try model.write(to: path, overwrite: false)
        let graph =
            #""graph":[{"groups":1,"input_channels":3,"inputs":["input"],"kernel":3,"name":"a","#
            + #""operation":"convolution","output_channels":8,"padding":1,"parameters":"a","relu":true,"#
            + #""stride":2},{"groups":2,"input_channels":8,"inputs":["a"],"kernel":3,"name":"b","#
            + #""operation":"convolution","output_channels":8,"padding":1,"parameters":"b","relu":true,"#
            + #""stride":1},{"inputs":["b"],"name":"pool","operation":"global_average_pool"},"#
            + #"{"input_channels":8,"inputs":["pool"],"name":"linear","operation":"linear","#
            + #""output_channels":4,"parameters":"linear"}],"#
            + #""input":{"channels":3,"height":32,"width":32},"#
        let preprocessing =
            #""preprocessing":{"crop":32,"interpolation":"bilinear","mean":[0.1,0.2,0.3],"resize":40,"#
            + #""std":[0.4,0.5,0.6]},"#
        #expect(
            try ModelDocumentTests.document(at: path)
                == #"{"algorithms":{"fast":{"a":{"name":"direct"},"b":{"columns":[1,0,1,3],"#
                + #""name":"winograd","rows":[0,0,0,4]},"linear":{"name":"direct"}},"#
                + #""strict":{"a":{"name":"direct"},"b":{"name":"grouped"},"linear":{"name":"direct"}}},"#
                + #""assumptions":{"bn_epsilon":0.001,"input_size":32,"state_dict":"model.ema","#
                + #""stem":"small","stem_pool":false,"strides":[2,1,2]},"#
                + #""blocks":{"OREPA RepVGG":2},"family":"RepVGG","# + graph
                + #""labels":["cat","dog","ä\"\\","boot"],"# + preprocessing
                + #""probe":{"logits":{"fast":[1,-2.5,0,1e-09],"strict":[1,2,3,4]},"seed":9},"#
                + #""source":{"name":"c.pth","sha256":"\#(String(repeating: "ab", count: 32))"},"#
                + #""tool":"test 1","verification":{"block_error":1e-07,"block_tolerance":1e-05,"#
                + #""fast_logit_error":3e-07,"input_size":64,"logit_error":2e-07,"logit_tolerance":0.0005,"#
                + #""seed":1,"worst_block":"a"},"version":1}"#)

        model = try ModelFile(
            network: model.network,
            description: ModelDescription(
                family: "RepVGG", blocks: [:], preprocessing: model.description.preprocessing,
                tool: "t"))
        try model.write(to: path, overwrite: true)
        #expect(
            try ModelDocumentTests.document(at: path)
                == #"{"blocks":{},"family":"RepVGG","# + graph + preprocessing
                + #""tool":"t","version":1}"#)
        #expect(try ModelFile(path: path).description == model.description)
    }

    /// Optional members may be null, and numbers written in any way that means the same.
    @Test func readsOtherWriters() throws {
        var expected = try ModelFileTests.model().description
        expected.source = nil
        let path = try ModelFileTests.written { document in
            let start = document.range(of: #""source":{"#)!.lowerBound
            let end = document.range(of: #""tool""#)!.lowerBound
            return document.replacingCharacters(in: start..<end, with: "\"source\" : null,\n")
                .replacingOccurrences(of: "\"crop\":32", with: "\"crop\" :\t3.2e1")
                .replacingOccurrences(of: "[1,2,3,4]", with: "[1.0,20e-1,3.00,4E0]")
                .replacingOccurrences(of: "\"stride\":1", with: "\"stride\":1.0")
                .replacingOccurrences(of: "\"name\":\"c", with: "\"n\\u0061me\":\"c")
        }
        defer { unlink(path) }
        #expect(try ModelFile(path: path).description == expected)
    }

    @Test(arguments: [
        ("\"family\":\"RepVGG\",", "", "family", "a value", "none"),
        ("\"family\":\"RepVGG\"", "\"family\":null", "family", "a string", "null"),
        ("\"family\":\"RepVGG\"", "\"family\":7", "family", "a string", "a number"),
        ("\"version\":1", "\"version\":true", "version", "an integer", "a boolean"),
        ("\"version\":1", "\"version\":0", "version", "1", "0"),
        ("\"version\":1", "\"revision\":1", "version", "a value", "none"),
        ("\"blocks\":{\"OREPA RepVGG\":2}", "\"blocks\":[]", "blocks", "an object", "an array"),
        (
            "\"OREPA RepVGG\":2", "\"OREPA RepVGG\":2.5", "blocks.OREPA RepVGG", "an integer",
            "2.5"
        ),
        ("\"kernel\":3", "\"kernel\":\"x\"", "graph.0.kernel", "an integer", "a string"),
        ("\"relu\":true", "\"relu\":1", "graph.0.relu", "a boolean", "a number"),
        ("\"name\":\"b\",\"op", "\"op", "graph.1.name", "a value", "none"),
        ("\"inputs\":[\"a\"]", "\"inputs\":\"a\"", "graph.1.inputs", "an array", "a string"),
        ("\"inputs\":[\"a\"]", "\"inputs\":[{}]", "graph.1.inputs.0", "a string", "an object"),
        ("\"inputs\":[\"a\"]", "\"inputs\":[null]", "graph.1.inputs.0", "a string", "null"),
        ("\"height\":32,", "", "input.height", "a value", "none"),
        (
            "bilinear", "nearest", "preprocessing.interpolation",
            "one of bilinear, bicubic, lanczos, box, hamming", "nearest"
        ),
        ("[0.1,0.2", "[0.1,\"0.2\"", "preprocessing.mean.1", "a number", "a string"),
        ("\"cat\",\"dog\"", "\"cat\",[\"dog\"]", "labels.1", "a string", "an array"),
        ("\"strict\":{\"a\"", "\"other\":{\"a\"", "algorithms.strict", "a value", "none"),
        (
            "\"name\":\"direct\"", "\"kind\":\"direct\"", "algorithms.fast.a.name", "a value",
            "none"
        ),
        (
            "\"rows\":[0,0,0,4]", "\"rows\":[0,0,0,\"4\"]", "algorithms.fast.b.rows.3",
            "an integer", "a string"
        ),
        ("\"seed\":9", "\"seed\":9.5", "probe.seed", "an integer", "9.5"),
        ("\"strict\":[1,", "\"strict\":[false,", "probe.logits.strict.0", "a number", "a boolean"),
        // Numbers that nothing here can hold are faults of the document as a whole.
        (
            "\"seed\":9", "\"seed\":-9", "orepa.model", "a number that `probe.seed` can hold", "-9"
        ),
        (
            "\"channels\":3", "\"channels\":9223372036854775808", "orepa.model",
            "a number that `input.channels` can hold", "9223372036854775808"
        ),
        (
            "\"strict\":[1,2", "\"strict\":[1,-1e39", "orepa.model",
            "a number that `probe.logits.strict.1` can hold", "-1e39"
        ),
        (
            "\"block_error\":1e-07", "\"block_error\":1e400", "orepa.model",
            "a number that `verification.block_error` can hold", "1e400"
        ),
        (
            "\"crop\":32", "\"crop\":\(String(repeating: "9", count: 50))", "orepa.model",
            "a number that `preprocessing.crop` can hold",
            "\(String(repeating: "9", count: 40))..."
        ),
        ("{\"algorithms\"", "[\"algorithms\"", "orepa.model", "`]` at byte 13", "`:`"),
        ("\"version\":1", "\"version\":01", "orepa.model", "`}` at byte 1491", "`1`"),
        (
            "\"version\":1", "\"version\":1,\"tool\":\"\"", "orepa.model",
            "a key that the object does not have yet at byte 1492", "`tool` again"
        ),
        ("ä", "\\ud800 ", "orepa.model", "a character at byte 993", "a lone surrogate"),
    ])
    func saysWhatIsWrong(
        original: String, replacement: String, field: String, expected: String, found: String
    ) throws {
        let path = try ModelFileTests.written { document in
            document.replacingCharacters(in: document.range(of: original)!, with: replacement)
        }
        defer { unlink(path) }
        #expect(
            throws: ModelFileError.malformed(
                path: path, field: field, expected: expected, found: found)
        ) { try ModelFile(path: path) }
    }

    @Test(arguments: [
        ("", "a value at byte 0", "the end of the document"),
        ("x", "a value at byte 0", "`x`"),
        ("[]", "an object", "an array"),
        ("null", "an object", "null"),
        ("\"{}\"", "an object", "a string"),
        (
            String(repeating: "[", count: 1_000_000),
            "at most 64 arrays and objects in each other at byte 64", "one more"
        ),
        (
            "{\"version\":1,\"later\":" + String(repeating: "{\"a\":", count: 1_000_000),
            "at most 64 arrays and objects in each other at byte 336", "one more"
        ),
    ])
    func refusesOtherDocuments(document: String, expected: String, found: String) throws {
        let path = try ModelFileTests.written { _ in document }
        defer { unlink(path) }
        #expect(
            throws: ModelFileError.malformed(
                path: path, field: "orepa.model", expected: expected, found: found)
        ) { try ModelFile(path: path) }
    }

    /// Every document that ends too early is refused.
    @Test func refusesTruncatedDocuments() throws {
        for count in stride(from: 1, to: 1300, by: 7) {
            let path = try ModelFileTests.written { String($0.dropLast(count)) }
            defer { unlink(path) }
            #expect(throws: ModelFileError.self) { try ModelFile(path: path) }
        }
    }
}
