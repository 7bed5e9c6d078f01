import Foundation
import TestSupport
import Testing

/// Lists of pictures, folders, pipes and many arguments.
@Suite struct ListTests {
    let folder: TemporaryFolder
    let bag = repositoryFile("models/fashion-mnist-repvgg/samples/bag.jpg")
    let coat = repositoryFile("models/fashion-mnist-repvgg/samples/coat.jpg")

    init() throws { folder = try TemporaryFolder() }

    private func classify(_ arguments: [String], input: Data? = nil) throws -> Program.Result {
        try Program.run(arguments + ["--top-k", "1", "--format", "csv"], input: input)
    }

    private func labels(_ result: Program.Result) -> [String] {
        result.lines.dropFirst().map {
            String($0.split(separator: ",", omittingEmptySubsequences: false)[3])
        }
    }

    private func list(_ bytes: [UInt8]) throws -> String {
        let path = folder.file("list")
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    @Test func aMarkOfUTF8IsNoPartOfAPath() throws {
        let path = try list([0xEF, 0xBB, 0xBF] + Array("\(bag)\r\n\(coat)\r\n".utf8))
        let result = try classify(["--from-list", path])
        #expect(result.status == 0)
        #expect(labels(result) == ["Bag", "Coat"])
    }

    @Test func pathsEndWithNULWhereToldSo() throws {
        let odd = folder.file("new\nline.jpg")
        try FileManager.default.copyItem(atPath: coat, toPath: odd)
        let path = try list(Array("\(bag)\0\(odd)\0".utf8))
        for arguments in [["--from-list", path, "--null"], ["--from-list", path, "-0"]] {
            let result = try Program.run(arguments + ["--top-k", "1", "--format", "jsonl"])
            #expect(result.status == 0)
            #expect(result.lines.count == 2)
            #expect(result.lines.last?.contains("\"label\": \"Coat\"") == true)
        }
        let refused = try classify(["--from-list", path])
        #expect(refused.status == 65)
        #expect(refused.errors.contains("--null"))
        #expect(refused.text == "")
        let lines = try list(Array("\(bag)\n".utf8))
        #expect(try classify(["--from-list", lines, "--null"]).status == 65)
        #expect(try classify([bag, "--null"]).status == 64)
    }

    @Test func otherEncodingsAndTablesAreRefusedByName() throws {
        let text = "\(bag)\n\(coat)\n"
        let examples: [([UInt8], String)] = [
            ([0xFF, 0xFE] + text.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }, "UTF-16"),
            (text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }, "UTF-16"),
            (Array("\(bag)\r\(coat)\r".utf8), "found CR alone"),
            (Array("path,label\n\(bag),8\n\(coat),4\n".utf8), "found CSV: `path,label`"),
            (Array("\"\(bag)\"\n\"\(coat)\"\n".utf8), "found CSV"),
            (Array("image\tclass\nx.jpg\t8\n".utf8), "found tab-separated columns"),
        ]
        for (bytes, expected) in examples {
            let result = try classify(["--from-list", try list(bytes)])
            #expect(result.status == 65, "\(expected)")
            #expect(result.text == "")
            #expect(result.errors.contains("\(folder.file("list")): expected a path a line"))
            #expect(result.errors.contains(expected))
        }
    }

    @Test func whatIsBehindAPathIsTold() throws {
        let result = try classify(["--from-list", try list(Array("\(bag) 8\n\(coat)  \n".utf8))])
        #expect(result.status == 1)
        #expect(result.text.contains("no such file; the line has ` 8` behind the path of a file"))
        #expect(result.text.contains("the line has `  ` behind the path of a file"))
    }

    @Test func aFolderWithoutAnswersIsAnError() throws {
        let empty = folder.file("empty")
        let failing = folder.file("failing")
        let tree = folder.file("tree")
        for path in [empty, failing, tree + "/coat"] {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        }
        _ = try folder.write("text", "empty/notes.txt")
        _ = try folder.write("\u{FFFD}", "empty/a.txt")
        try Data([0xFF, 0xD8, 0xFF, 0xE0]).write(to: URL(fileURLWithPath: failing + "/cut.jpg"))
        try FileManager.default.copyItem(atPath: coat, toPath: tree + "/coat/1.jpg")
        let none = try classify([empty])
        #expect(none.status == 66)
        #expect(none.errors.contains("\(empty): found no image\n"))
        let failed = try classify([failing])
        #expect(failed.status == 1)
        let flat = try classify([tree])
        #expect(flat.status == 66)
        #expect(
            flat.errors
                == "orepa-infer: \(tree): found no image; it holds folders, which --recursive enters\n"
        )
        #expect(labels(try classify([tree, "--recursive"])) == ["Coat"])
        // One of several folders.
        let some = try classify([empty, tree, "--recursive"])
        #expect(some.status == 1)
        #expect(labels(some) == ["Coat"])
        #expect(some.errors.contains("\(empty): found no image"))
        #expect(try classify(["--from-list", try list([])]).status == 66)
    }

    @Test func atMostTenSkippedFilesAreNamed() throws {
        for index in 0..<13 { _ = try folder.write("<html>", "\(index).jpg") }
        try FileManager.default.copyItem(atPath: coat, toPath: folder.file("coat"))
        let result = try classify([folder.path])
        #expect(result.status == 0)
        let errors = result.errors.split(separator: "\n")
        #expect(errors.first == "orepa-infer: skipped 13 files that are no image by content")
        #expect(errors.count == 12)
        #expect(errors[1].hasSuffix("0.jpg, a picture by its name only"))
        #expect(errors.last == "orepa-infer: and 3 more such")
    }

    @Test func pipesAreRead() throws {
        let pipe = folder.file("pipe")
        try #require(mkfifo(pipe, 0o600) == 0)
        let result = try Program.bash(
            """
            cat '\(coat)' > '\(pipe)' &
            "$PROGRAM" <(cat '\(bag)') '\(pipe)' /dev/stdin --top-k 1 --format csv \
                --labels <(printf '%s\\n' a b c d e f g h i j; echo) < '\(bag)'
            """)
        #expect(result.status == 0, "\(result.errors)")
        #expect(labels(result) == ["i", "e", "i"])
        let listed = try Program.bash(
            #"exec "$PROGRAM" --from-list <(echo '\#(bag)') --top-k 1 --format csv"#)
        #expect(labels(listed) == ["Bag"])
        // Nobody writes, and nobody said that it is a picture.
        let entries = try classify([folder.path])
        #expect(entries.status == 66)
    }

    /// Standard streams that another program has set not to wait.
    @Test func streamsThatDoNotWait() throws {
        let script = """
            import fcntl, os, subprocess, sys, threading, time
            picture = open(sys.argv[2], "rb").read()
            def impatient(descriptor):
                fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_NONBLOCK)
            input, feed = os.pipe()
            output, answer = os.pipe()
            impatient(input); impatient(answer)
            fcntl.fcntl(answer, 1031, 4096)
            program = subprocess.Popen([sys.argv[1], "-", *[sys.argv[2]] * 40, "--top-k", "10", "--format", "jsonl"],
                stdin=input, stdout=answer)
            os.close(input); os.close(answer)
            for start in range(0, len(picture), 200):
                time.sleep(0.02)
                os.write(feed, picture[start:start + 200])
            os.close(feed)
            time.sleep(0.3)
            text = b""
            while piece := os.read(output, 1000): text += piece
            assert program.wait() == 0, program.returncode
            lines = text.splitlines()
            assert len(lines) == 41 and all(b'"label": "Bag"' in line for line in lines), len(lines)
            """
        let result = try Program.run(
            ["-c", script, Program.path, bag], executable: "/usr/bin/python3")
        #expect(result.status == 0, "\(result.errors)")
    }

    /// Time that grows with the number of arguments, not with its square.
    @Test func manyArguments() throws {
        func time(_ count: Int) throws -> Duration {
            let arguments = (0..<count).map { "/nowhere/photos/IMG_\($0 + 100_000).jpg" }
            let clock = ContinuousClock()
            var status: Int32 = 0
            let times = try (0..<3).map { _ in
                try clock.measure {
                    status = try Program.run(arguments + ["--format", "csv"]).status
                }
            }
            #expect(status == 1)
            return times.min()!
        }
        let few = try time(4000)
        #expect(try time(16000) < few * 12)
    }

    @Test func optionsMayStandAnywhere() throws {
        let result = try Program.run([
            bag, "--top-k", "1", coat, "--format=csv", "--exif-orientation", bag, "--", "-x.jpg",
        ])
        #expect(result.status == 1)
        #expect(labels(result) == ["Bag", "Coat", "Bag", ""])
        #expect(result.lines.last == "-x.jpg,,,,,no such file")
        // Behind an option there are pictures only.
        #expect(
            try Program.run(["--recursive", "inspect", boot]).errors.contains(
                "inspect: no such file"))
        #expect(try Program.run(["classify", "inspect"]).errors.contains("inspect: no such file"))
    }

    @Test func labelFiles() throws {
        let names = (0..<10).map { "class \($0)" }
        let quoted = names.map { "\"\($0)\"" }
        let marked = "\u{FEFF}\n[\(quoted.joined(separator: ",\n"))]"
        let token = "[unknown]\r\n\(names.dropFirst().joined(separator: "\n"))"
        let braces = "{other class}\n\(names.dropFirst().joined(separator: "\n"))"
        let files: [String] = [
            names.joined(separator: "\n") + "\n\n \n",
            "[" + quoted.joined(separator: ", ") + "]",
            "{" + quoted.enumerated().map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}\n",
            "{" + quoted.enumerated().reversed().map { "\($1): \($0)" }.joined(separator: ", ")
                + "}",
            "{"
                + quoted.enumerated().map { "\"\($0)\": [\"n0\", \($1)]" }.joined(separator: ", ")
                + "}",
            "{\"model_type\": \"resnet\", \"id2label\": {"
                + quoted.enumerated().map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}}",
            marked, token, braces,
        ]
        for text in files {
            let path = try folder.write(text, "labels")
            let result = try classify([bag, "--labels", path])
            #expect(result.status == 0, "\(text): \(result.errors)")
            #expect(labels(result) == ["class 8"], "\(text)")
        }
        for (text, expected) in [
            ("[\"a\", \"b\"]", "expected JSON of 10 names, as the network has classes; found 2"),
            (
                "{\"names\": 3, \"b\": \"c\"}",
                "expected JSON of names and their numbers, found the key `b`"
            ),
            ("[1, 2]", "item 0: expected a name, found `1`"),
            ("{\"a\": 10}", "`a`: expected a number of its own from 0 to 9, found 10"),
        ] {
            let path = try folder.write(text, "labels")
            let result = try classify([bag, "--labels", path])
            #expect(result.status == 65)
            #expect(result.errors.contains("\(path): \(expected)"), "\(result.errors)")
        }
    }

    /// Never the lines of a text, though there are as many as the network has classes.
    @Test func labelsThatAreNearlyJSON() throws {
        let names = (0..<9).map { "class \($0)" }.joined(separator: "\n")
        let items = (0..<8).map { "  \"class \($0)\",\n" }.joined()
        let json = "expected JSON, as it begins with"
        let texts: [(String, String)] = [
            ("[\n\(items)]\n", "\(json) `[`; byte 106: expected a value, found `]`"),
            ("\u{FEFF}['a',\n\(names)", "\(json) `[`; byte 4: expected a value, found `'`"),
            ("[a, b]\n\(names)", "\(json) `[`; byte 1: expected a value, found `a`"),
            ("{a: 0}\n\(names)", "\(json) `{`; byte 1: expected `\"`, found `a`"),
            (
                "{\"0\":\"a\",\"0\":\"b\"}\n\(names)",
                "\(json) `{`; byte 9: expected a key that the object does not have yet, found `0` again"
            ),
            (
                "[\"\\ud800\"]\n\(names)",
                "\(json) `[`; byte 4: expected a character, found a lone surrogate"
            ),
            (
                String(repeating: "[", count: 100),
                "\(json) `[`; byte 64: expected at most 64 arrays and objects in each other"
            ),
        ]
        for (text, expected) in texts {
            let path = try folder.write(text, "labels")
            let result = try classify([bag, "--labels", path])
            #expect(result.status == 65, "\(text)")
            #expect(result.errors.contains("\(path): \(expected)"), "\(result.errors)")
        }
    }

    @Test func blankLinesAreNoLabels() throws {
        for text in ["", " \r\n\n", "\n\n\n\n\n\n\n\n\n\n"] {
            let path = try folder.write(text, "labels")
            let result = try classify([bag, "--labels", path])
            #expect(result.status == 65)
            let expected = "\(path): expected 10 names, one a line, found blank lines only"
            #expect(result.errors.contains(expected), "\(result.errors)")
        }
    }
}
