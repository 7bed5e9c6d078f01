import Foundation
import OrepaFiles
import OrepaSafetensors
import TestSupport
import Testing

/// What reaches a terminal, a spreadsheet or another program of what others have written.
@Suite struct PrintingTests {
    let folder: TemporaryFolder
    let bag = repositoryFile("models/fashion-mnist-repvgg/samples/bag.jpg")
    /// Clears the screen, as ESC and as one C1 character.
    let evil = "\u{1B}[2J\u{9B}31m\u{7}"

    init() throws { folder = try TemporaryFolder() }

    private func labels(_ bag: String) throws -> String {
        try folder.write((0..<10).map { $0 == 8 ? bag : "\($0)" }.joined(separator: "\n"), "labels")
    }

    private func hasControls(_ text: String) -> Bool {
        text.unicodeScalars.contains { ($0.value < 0x20 && $0 != "\n") || 0x7F..<0xA0 ~= $0.value }
    }

    @Test func tablesAndMessagesHoldNoEscapeSequences() throws {
        let names = try labels(evil)
        let picture = folder.file("\(evil).jpg")
        try FileManager.default.copyItem(atPath: bag, toPath: picture)
        for arguments in [
            [picture, "--labels", names], [picture + evil], [bag, "--model", evil],
            [bag, "--labels", evil], [bag, "--\(evil)"], [bag, "--format", evil],
            [bag, "--from-list", evil], ["inspect", evil], ["convert", evil, folder.file("m")],
            ["verify", evil], ["run", evil, "--input", evil, "--output", evil],
            ["preprocess", evil, "--output", evil], ["benchmark", evil],
        ] {
            let result = try Program.run(arguments)
            #expect(!hasControls(result.text + result.errors), "\(arguments)")
            #expect(
                (result.text + result.errors).contains("\\u{1B}[2J\\u{9B}31m\\u{7}"), "\(arguments)"
            )
        }
    }

    /// The default model with `replacements` made in its description.
    private func model(_ replacements: [(String, String)]) throws -> String {
        let source = try SafetensorsFile(
            FileBytes(mapping: repositoryFile("models/fashion-mnist-repvgg/model.safetensors")))
        var metadata = source.metadata
        var document = try #require(metadata["orepa.model"])
        for (old, new) in replacements {
            try #require(document.contains(old))
            document = document.replacingOccurrences(of: old, with: new)
        }
        metadata["orepa.model"] = document
        let path = folder.file("model.safetensors")
        try SafetensorsWriter(
            source.entries.map { SafetensorsWriter.Tensor($0, of: source) }, metadata: metadata
        ).write(to: path, overwrite: true)
        return path
    }

    @Test func whatAModelSaysOfItselfIsEscaped() throws {
        let json = #"\u001b[2J\u009b31m\u0007"#
        let path = try model([
            ("\"Bag\"", "\"\(json)\""), ("\"pool\"", "\"pool\(json)\""),
            ("\"tool\":\"", "\"tool\":\"\(json)"),
        ])
        for arguments in [
            ["inspect", path], [bag, "--model", path],
            ["benchmark", path, "--duration", "0.01", "--profile"],
        ] {
            let result = try Program.run(arguments)
            #expect(result.status == 0, "\(result.errors)")
            #expect(!hasControls(result.text + result.errors))
            #expect(result.text.contains("\\u{1B}[2J\\u{9B}31m\\u{7}"), "\(arguments)")
        }
        let inspected = try Program.run(["inspect", path, "--format", "json"]).json()
        #expect(((inspected as? [String: Any])?["labels"] as? [String])?[8] == evil)
    }

    /// One long name makes no other row as long.
    @Test func tablesAreNoWiderThanTheirNames() throws {
        let name = String(repeating: "n", count: 4000)
        let short = try Program.run(["inspect", try model([])])
        let long = try Program.run(["inspect", try model([("\"pool\"", "\"\(name)\"")])])
        #expect(long.status == 0, "\(long.errors)")
        #expect(long.output.count < short.output.count + 3 * name.count)
        #expect(long.lines.filter { $0.utf8.count > 1000 }.count <= 2)
    }

    @Test func csvAndJSONKeepWhatIsThere() throws {
        let names = try labels(evil)
        let csv = try Program.run([bag, "--labels", names, "--top-k", "1", "--format", "csv"])
        #expect(csv.text.contains("\(bag),1,8,\(evil),0.9757082,\n"))
        let json = try Program.run([bag, "--labels", names, "--top-k", "1", "--format", "json"])
        let answers = try #require(try json.json() as? [[String: Any]])
        let predictions = try #require(answers[0]["predictions"] as? [[String: Any]])
        #expect(predictions[0]["label"] as? String == evil)
    }

    @Test(arguments: ["=1+1", "+1", "-1", "@x", "\tx", "=a,b"]) func formulas(label: String) throws
    {
        _ = try labels(label)
        let picture = folder.file("-a.jpg")
        try FileManager.default.copyItem(atPath: bag, toPath: picture)
        func line(_ options: [String]) throws -> String {
            let result = try Program.bash(
                #"cd '\#(folder.path)' && exec "$PROGRAM" --labels labels --top-k 1 --format csv "#
                    + options.joined(separator: " ") + " -- -a.jpg")
            #expect(result.status == 0)
            return try #require(result.lines.last)
        }
        func quoted(_ text: String) -> String { text.contains(",") ? "\"\(text)\"" : text }
        #expect(try line([]) == "-a.jpg,1,8,\(quoted(label)),0.9757082,")
        #expect(try line(["--csv-safe"]) == "'-a.jpg,1,8,\(quoted("'" + label)),0.9757082,")
        // Numbers stay numbers.
        let logits = try Program.run([
            bag, "--top-k", "10", "--format", "csv", "--csv-safe", "--output-type", "logit",
        ])
        #expect(logits.lines.last?.split(separator: ",").last?.hasPrefix("-") == true)
    }

    @Test func linesOfCSVEndAsAskedFor() throws {
        let arguments = [bag, "missing.jpg", "--top-k", "2", "--format", "csv"]
        let unix = try Program.run(arguments)
        #expect(!unix.output.contains(13))
        #expect(unix.output.filter { $0 == 10 }.count == 4)
        let rfc = try Program.run(arguments + ["--csv-crlf"])
        #expect(
            rfc.output
                == Data(unix.output.flatMap { $0 == 10 ? [13, 10] : [$0] }))
        let shell = try Program.bash(
            #""$PROGRAM" '\#(bag)' --top-k 1 --format csv | tail -n +2 | while IFS=, read -r image rank index label p error; do echo "[$label][$error]"; done"#
        )
        #expect(shell.text == "[Bag][]\n")
    }

    @Test func namesThatAreNotUTF8LeadBackToTheirFiles() throws {
        let result = try Program.bash(
            #"""
            cd '\#(folder.path)' && cp '\#(bag)' $'caf\xe9.jpg' && cp '\#(bag)' 'café.jpg'
            "$PROGRAM" $'caf\xe9.jpg' café.jpg $'no\xff' --top-k 1 --format jsonl
            "$PROGRAM" $'caf\xe9.jpg' --top-k 1 --format csv | tail -1 | cut -d, -f1 | xargs -d '\n' test -f && echo found
            "$PROGRAM" $'caf\xe9.jpg' --top-k 1 | grep -a caf
            """#)
        try #require(result.lines.count == 5, "\(result.text) \(result.errors)")
        #expect(
            result.lines[0].hasPrefix(
                #"{"image": "caf\#u{FFFD}.jpg", "image_base64": "Y2Fm6S5qcGc=", "predictions""#))
        #expect(result.lines[1].hasPrefix(#"{"image": "café.jpg", "predictions""#))
        #expect(
            result.lines[2]
                == #"{"image": "no\#u{FFFD}", "image_base64": "bm//", "error": "no such file"}"#)
        #expect(result.lines[3] == "found")
        #expect(result.lines[4] == #"caf\xE9.jpg"#)
    }

    @Test func theHeadingComesOnce() throws {
        let result = try Program.run([bag, boot, bag])
        #expect(result.lines.filter { $0.hasPrefix("model: ") }.count == 1)
        #expect(result.text.hasPrefix("model: "))
    }

    @Test func messagesAreOfBoundedLength() throws {
        let name = String(repeating: "x", count: 100_000)
        let result = try Program.run([
            bag, "--labels", try folder.write("{\"\(name)\": \"a\", \"b\": 2}", "l"),
        ])
        #expect(result.status == 65)
        #expect(result.errors.utf8.count < 1000)
        let path = String(repeating: "y/", count: 50_000)
        let missing = try Program.run([path])
        #expect(missing.status == 1)
        #expect(missing.errors.utf8.count < 10_000)
    }

    @Test func aReplacedFileKeepsItsPermissions() throws {
        let output = folder.file("crop.png")
        for mode: mode_t in [0o600, 0o644, 0o640, 0o666] {
            try Data("old".utf8).write(to: URL(fileURLWithPath: output))
            try #require(chmod(output, mode) == 0)
            #expect(try Program.run(["preprocess", bag, "--output", output]).status == 0)
            var status = stat()
            try #require(stat(output, &status) == 0)
            #expect(status.st_mode & 0o7777 == mode)
            #expect(status.st_size > 100)
        }
    }
}
