import Foundation
import TestSupport
import Testing

@Suite struct ClassifyTests {
    let rgb = fixture("images/rgb.png")

    @Test(arguments: [[], ["classify"]]) func noImageIsWrongUsage(arguments: [String]) throws {
        let result = try Program.run(arguments)
        #expect(result.status == 64)
        #expect(result.text == "")
        #expect(result.errors.contains("xpected"))
    }

    @Test(arguments: [
        ["--top-k", "0", "x.jpg"], ["--threads", "0", "x.jpg"], ["--threads", "many", "x.jpg"],
        ["--format", "xml", "x.jpg"], ["--unknown", "x.jpg"], ["-", "-"],
        ["-", "--from-list", "-"],
        ["--max-pixels", "0", "x.jpg"],
    ])
    func wrongOptionsAreWrongUsage(arguments: [String]) throws {
        let result = try Program.run(arguments)
        #expect(result.status == 64, "\(arguments)")
        #expect(result.errors.contains("Usage:"))
    }

    @Test func theDefaultModelKnowsItsSamples() throws {
        let folder = repositoryFile("models/fashion-mnist-repvgg/samples")
        let result = try Program.run([folder, "--format", "csv", "--top-k", "1"])
        #expect(result.status == 0)
        let lines = result.lines.map { $0.split(separator: ",") }
        #expect(lines.count == 11)
        #expect(lines[0].joined(separator: ",") == "image,rank,index,label,probability,error")
        for line in lines.dropFirst() where line.count > 3 {
            let name = line[0].split(separator: "/").last!.split(separator: ".")[0]
            let label = line[3].lowercased()
                .replacingOccurrences(of: " ", with: "-").replacingOccurrences(of: "/", with: "-")
            #expect(name == label)
        }
    }

    @Test func tableNamesTheModelAndFiveClasses() throws {
        let result = try Program.run([boot])
        #expect(result.status == 0)
        #expect(result.errors == "")
        let lines = result.text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0] == "model: fashion-mnist-repvgg (built in), 10 classes")
        #expect(lines[1] == "")
        #expect(String(lines[2]) == boot)
        #expect(lines[3].wholeMatch(of: #/  1  Ankle boot +\d+\.\d\d %/#) != nil)
        #expect(lines.count == 9)
    }

    /// A picture with zeros for its end marker: answered as a whole one, and told in all formats; or refused.
    @Test func tellsDamageBesideTheAnswer() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("cut.jpg")
        let whole = try Data(contentsOf: URL(fileURLWithPath: boot))
        try (whole.dropLast(2) + Data(count: 100)).write(to: URL(fileURLWithPath: path))
        let sentence = "damaged JPEG image: no end-of-image marker; read as Pillow reads it"
        let json = try Program.run([boot, path, "--format", "json", "--top-k", "1"])
        #expect(json.status == 0)
        #expect(json.errors == "orepa-infer: warning: \(path): \(sentence)\n")
        let answers = try #require(try json.json() as? [[String: Any]])
        #expect(answers[0]["warnings"] == nil)
        #expect(answers[1]["warnings"] as? [String] == [sentence])
        let predictions = answers.map { $0["predictions"] as? NSArray }
        #expect(predictions[0] != nil && predictions[0] == predictions[1])
        let csv = try Program.run([path, "--format", "csv", "--top-k", "1"])
        #expect(csv.status == 0)
        #expect(csv.text.hasPrefix("image,rank,index,label,probability,error"))
        #expect(!csv.text.contains("damaged"))
        #expect(csv.errors.contains(sentence))
        let strict = try Program.run([path, "--format", "jsonl", "--strict-pictures"])
        #expect(strict.status == 1)
        #expect(
            strict.text
                == "{\"image\": \"\(path)\", \"error\": \"damaged JPEG image: no end-of-image marker\"}\n"
        )
        let crop = try Program.run([
            "preprocess", path, "--preset", "imagenet", "--output", folder.file("crop.png"),
        ])
        #expect(crop.status == 0)
        #expect(crop.errors.contains(sentence))
    }

    @Test func sixteenBitGreyIsReadAsAsked() throws {
        let deep = fixture("images/grey-16bit.png")
        let high = try Program.run([deep, "--format", "jsonl"])
        #expect(high.status == 0)
        #expect(high.errors.contains("--png16 pillow"))
        let pillow = try Program.run([deep, "--format", "jsonl", "--png16", "pillow"])
        #expect(pillow.status == 0)
        #expect(pillow.errors == "")
        #expect(pillow.text != high.text)
        #expect(try Program.run([deep, "--png16", "low"]).status == 64)
    }

    @Test func jsonHasTheDocumentedForm() throws {
        let result = try Program.run([boot, "missing.jpg", "--format", "json", "--top-k", "2"])
        #expect(result.status == 1)
        #expect(result.errors == "")
        let answers = try #require(try result.json() as? [[String: Any]])
        #expect(answers.count == 2)
        #expect(answers[0]["image"] as? String == boot)
        let predictions = try #require(answers[0]["predictions"] as? [[String: Any]])
        #expect(predictions.count == 2)
        #expect(predictions[0]["index"] as? Int == 9)
        #expect(predictions[0]["label"] as? String == "Ankle boot")
        #expect((predictions[0]["probability"] as? Double ?? 0) > 0.5)
        #expect(Set(predictions[0].keys) == ["index", "label", "probability"])
        #expect(
            answers[1] as? [String: String] == ["image": "missing.jpg", "error": "no such file"])
        #expect(result.text.contains(#"{"image": "missing.jpg", "error": "no such file"}"#))
        #expect(
            result.text.contains(
                #""predictions": [{"index": 9, "label": "Ankle boot", "probability": "#))
    }

    @Test func jsonLinesAreTheSameObjects() throws {
        let arguments = [boot, rgb, "missing.jpg", "--output-type", "logit"]
        let lines = try Program.run(arguments + ["--format", "jsonl"])
        let array = try Program.run(arguments + ["--format", "json"])
        #expect(lines.status == 1)
        #expect(lines.lines.count == 3)
        #expect("[\n  " + lines.lines.joined(separator: ",\n  ") + "\n]\n" == array.text)
        #expect(lines.text.contains("\"logit\": "))
        #expect(!lines.text.contains("probability"))
    }

    @Test func labelsAreNullWithoutLabels() throws {
        let result = try Program.run([
            "--model", Models.repVGG(), rgb, "--format", "jsonl", "--top-k", "100",
        ])
        #expect(result.status == 0)
        let answer = try #require(try result.json() as? [String: Any])
        let predictions = try #require(answer["predictions"] as? [[String: Any]])
        #expect(predictions.count == 10)
        #expect(predictions.allSatisfy { $0["label"] is NSNull })
        let sum = predictions.reduce(0.0) { $0 + ($1["probability"] as! Double) }
        #expect(abs(sum - 1) < 1e-5)
    }

    @Test func labelsFileReplacesLabels() throws {
        let folder = try TemporaryFolder()
        let names = (0..<10).map { "name, \"\($0)\" ö" }
        let labels = try folder.write(
            "\u{FEFF}" + names.joined(separator: "\r\n") + "\r\n", "labels.txt")
        let result = try Program.run([
            "classify", boot, "--labels", labels, "--format", "csv", "--top-k", "1",
        ])
        #expect(result.status == 0)
        #expect(result.text.contains("\(boot),1,9,\"name, \"\"9\"\" ö\","))
    }

    @Test func labelsThatDoNotFitAreBadData() throws {
        let folder = try TemporaryFolder()
        let nine = try folder.write((0..<9).map { "\($0)\n" }.joined(), "nine.txt")
        let wrong = try Program.run([boot, "--labels", nine])
        #expect(wrong.status == 65)
        #expect(
            wrong.errors
                == "orepa-infer: \(nine): expected 10 names, one a line, as the network has classes; found 9\n"
        )
        try Data([0xFF, 0xFE, 0x0A]).write(to: URL(fileURLWithPath: folder.file("bytes.txt")))
        let bytes = try Program.run([boot, "--labels", folder.file("bytes.txt")])
        #expect(bytes.status == 65)
        #expect(bytes.errors.contains("expected UTF-8 text"))
        let missing = try Program.run([boot, "--labels", folder.file("none.txt")])
        #expect(missing.status == 66)
        #expect(missing.errors == "orepa-infer: \(folder.file("none.txt")): no such file\n")
    }

    @Test func emptyPathsAreNamed() throws {
        let expected = "expected the path of a file, found an empty one"
        #expect(try Program.run([""]).errors.contains(expected))
        for arguments in [
            [boot, "--model", ""], [boot, "--labels", ""], ["--from-list", ""],
            ["preprocess", boot, "--output", ""], ["inspect", ""],
        ] {
            #expect(
                try Program.run(arguments).errors == "orepa-infer: \(expected)\n", "\(arguments)")
        }
    }

    @Test func unknownOptionsAreNamedWithoutPictures() throws {
        for arguments in [["--top-kx"], ["classify", "--top-kx"]] {
            let result = try Program.run(arguments)
            #expect(result.status == 64)
            #expect(result.errors.contains("Unknown option '--top-kx'"), "\(result.errors)")
        }
        let bytes = try Program.bash("\"$PROGRAM\" $'--top-k\\xff'")
        #expect(bytes.status == 64)
        #expect(bytes.errors.contains(#"Unknown option '--top-k\xFF'"#), "\(bytes.errors)")
        for arguments in [["classify"], ["--top-k", "3"]] {
            let result = try Program.run(arguments)
            #expect(result.status == 64)
            #expect(result.errors.contains("Expected at least one image"), "\(result.errors)")
        }
    }

    @Test func theModelComesFromTheOptionElseTheEnvironment() throws {
        let environment = ["OREPA_MODEL": try Models.resNet()]
        let fromEnvironment = try Program.run([rgb], environment: environment)
        #expect(fromEnvironment.lines[0] == "model: \(try Models.resNet()), 10 classes")
        let fromOption = try Program.run(
            ["--model", Models.repVGG(), rgb], environment: environment)
        #expect(fromOption.lines[0] == "model: \(try Models.repVGG()), 10 classes")
    }

    @Test func modelsThatAreMissingOrBroken() throws {
        let folder = try TemporaryFolder()
        let missing = try Program.run([rgb, "--model", folder.file("none")])
        #expect(missing.status == 66)
        #expect(missing.errors == "orepa-infer: \(folder.file("none")): no such file\n")
        let text = try folder.write("no model at all", "text")
        #expect(try Program.run([rgb, "--model", text]).status == 65)
        let checkpoint = try Program.run([
            rgb, "--model", fixture("checkpoints/repvgg-dbb.safetensors"),
        ])
        #expect(checkpoint.status == 65)
        #expect(checkpoint.errors.contains("orepa-infer convert"))
        let whole = try Data(contentsOf: URL(fileURLWithPath: Models.repVGG()))
        try whole.dropLast(1).write(to: URL(fileURLWithPath: folder.file("short")))
        #expect(try Program.run([rgb, "--model", folder.file("short")]).status == 65)
        #expect(try Program.run([rgb, "--model", folder.path]).status == 65)
    }

    @Test func badImagesFailAloneAndTheRestIsAnswered() throws {
        let folder = try TemporaryFolder()
        let text = try folder.write("this is no image", "text.jpg")
        let empty = try folder.write("", "empty.png")
        let whole = try Data(contentsOf: URL(fileURLWithPath: boot))
        try whole.dropLast(whole.count / 2).write(to: URL(fileURLWithPath: folder.file("cut.jpg")))
        try Data("RIFF\u{10}\0\0\0WEBPVP8 ".utf8).write(
            to: URL(fileURLWithPath: folder.file("a.png")))
        let result = try Program.run([
            text, boot, empty, folder.file("cut.jpg"), folder.file("a.png"), "/dev/null", "--top-k",
            "1",
        ])
        #expect(result.status == 1)
        #expect(result.text.contains("Ankle boot"))
        let errors = result.errors.split(separator: "\n")
        #expect(errors.count == 5)
        #expect(errors[0].hasPrefix("orepa-infer: \(text): not a known image format"))
        #expect(errors[1].hasPrefix("orepa-infer: \(empty): no bytes"))
        #expect(errors[2].hasPrefix("orepa-infer: \(folder.file("cut.jpg")): truncated"))
        #expect(errors[3].hasPrefix("orepa-infer: \(folder.file("a.png")): WebP"))
        #expect(errors[4] == "orepa-infer: /dev/null: expected a regular file")
        #expect(try Program.run([text]).status == 1)
        let csv = try Program.run([text, "--format", "csv"])
        #expect(csv.status == 1)
        #expect(csv.errors == "")
        #expect(csv.text.contains("\(text),,,,,\"not a known image format"))
    }

    @Test func limitsCanBeLoweredAndRaised() throws {
        let low = try Program.run([rgb, "--max-pixels", "10"])
        #expect(low.status == 1)
        #expect(low.errors.contains("the limit is 10 pixels"))
        #expect(try Program.run([rgb, "--max-pixels", "10000000"]).status == 0)
    }

    @Test func foldersAreSortedAndOtherFilesSkipped() throws {
        let folder = try TemporaryFolder()
        for name in ["b.png", "a.png", "C"] {
            try FileManager.default.copyItem(atPath: rgb, toPath: folder.file(name))
        }
        _ = try folder.write("text", "notes.txt")
        _ = try folder.write("text", "empty.png")
        _ = try folder.write("", ".hidden")
        try FileManager.default.createDirectory(
            atPath: folder.file("inner"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: rgb, toPath: folder.file("inner/d.jpg"))
        let flat = try Program.run([folder.path, "--format", "csv", "--top-k", "1"])
        #expect(flat.status == 0)
        #expect(images(flat) == ["C", "a.png", "b.png"].map(folder.file))
        #expect(
            flat.errors == """
                orepa-infer: skipped 2 files that are no image by content
                orepa-infer: among them \(folder.file("empty.png")), a picture by its name only
                orepa-infer: \(folder.path): passed over the folders in it, which --recursive enters

                """)
        let deep = try Program.run([
            folder.path + "/", "--recursive", "--format", "csv", "--top-k", "1",
        ])
        #expect(images(deep) == ["C", "a.png", "b.png", "inner/d.jpg"].map(folder.file))
    }

    @Test func namesThatAreNotUTF8() throws {
        let folder = try TemporaryFolder()
        let raw = Array(folder.path.utf8) + Array("/b".utf8) + [0xFF] + Array(".png".utf8)
        try #require(
            raw.map(CChar.init(bitPattern:)).withUnsafeBufferPointer { name in
                rgb.withCString { symlink($0, (Array(name) + [0])) }
            } == 0)
        let shown = folder.file("b\u{FFFD}.png")
        let fromFolder = try Program.run([folder.path, "--format", "csv", "--top-k", "1"])
        #expect(fromFolder.status == 0)
        #expect(images(fromFolder) == [shown])
        let fromList = try Program.run(
            ["--from-list", "-", "--format", "csv", "--top-k", "1"], input: Data(raw))
        #expect(fromList.text == fromFolder.text)
        let fromArgument = try Program.shell(
            "exec '\(Program.path)' '\(folder.path)/b'$(printf '\\377').png --format csv --top-k 1")
        #expect(fromArgument == fromFolder.text)
    }

    @Test func unreadableFoldersFailAlone() throws {
        let folder = try TemporaryFolder()
        let loop = folder.file("loop")
        try FileManager.default.createSymbolicLink(atPath: loop, withDestinationPath: "loop")
        try FileManager.default.copyItem(atPath: rgb, toPath: folder.file("a.png"))
        let result = try Program.run([folder.path, loop, "--format", "csv", "--top-k", "1"])
        #expect(result.status == 1)
        #expect(images(result) == [folder.file("a.png"), loop, loop])
        #expect(result.text.contains("Too many levels of symbolic links"))
    }

    @Test func anEmptyFolderIsMentioned() throws {
        let folder = try TemporaryFolder()
        let result = try Program.run([folder.path])
        #expect(result.status == 66)
        #expect(result.text == "")
        #expect(result.errors == "orepa-infer: \(folder.path): found no image\n")
    }

    @Test func csvQuotesByScalar() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("q\"\u{301}x,.jpg")
        try FileManager.default.copyItem(atPath: boot, toPath: path)
        let result = try Program.run([path, "--format", "csv", "--top-k", "1"])
        #expect(result.text.unicodeScalars.filter { $0 == "\"" }.count == 4)
    }

    @Test func readsStandardInputAndLists() throws {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: boot))
        let piped = try Program.run(["-", "--format", "csv", "--top-k", "1"], input: bytes)
        #expect(piped.status == 0)
        #expect(piped.text.contains("-,1,9,Ankle boot,"))
        let list = Data("\(boot)\n\n\(rgb)\r\n".utf8)
        let listed = try Program.run(
            ["--from-list", "-", "--format", "csv", "--top-k", "1"], input: list)
        #expect(images(listed) == [boot, rgb])
        let folder = try TemporaryFolder()
        try list.write(to: URL(fileURLWithPath: folder.file("list")))
        let file = try Program.run([
            "--from-list", folder.file("list"), "--format", "csv", "--top-k", "1",
        ])
        #expect(file.text == listed.text)
        #expect(try Program.run(["--from-list", folder.file("none")]).status == 66)
    }

    @Test func orientationIsIgnoredWithAWarningOrApplied() throws {
        let picture = fixture("images/exif-orientation-6.jpg")
        let ignored = try Program.run([picture])
        #expect(ignored.status == 0)
        #expect(ignored.errors.contains("warning: \(picture)"))
        #expect(ignored.errors.contains("EXIF orientation 6"))
        let applied = try Program.run([picture, "--exif-orientation"])
        #expect(applied.errors == "")
        #expect(applied.text != ignored.text)
    }

    @Test func threadsDoNotChangeTheAnswer() throws {
        let arguments = [
            "--model", try Models.resNet(), rgb, boot, "--output-type", "logit", "--format",
            "jsonl",
        ]
        let one = try Program.run(arguments + ["--threads", "1"])
        for threads in ["2", "3", "7"] {
            #expect(try Program.run(arguments + ["--threads", threads]).text == one.text)
        }
    }

    @Test func aClosedPipeEndsItQuietly() throws {
        let pipe = Pipe()
        try pipe.fileHandleForReading.close()
        let result = try Program.run(
            [boot, rgb, "--format", "jsonl"], output: pipe.fileHandleForWriting)
        #expect(result.status == 141)
        #expect(result.errors == "")
    }

    @Test func aFullDiskIsReported() throws {
        let result = try Program.run([boot], output: FileHandle(forWritingAtPath: "/dev/full"))
        #expect(result.status == 73)
        #expect(
            result.errors == "orepa-infer: standard output: cannot write: No space left on device\n"
        )
    }

    @Test func helpHasExamples() throws {
        for command in [
            "classify", "convert", "verify", "inspect", "run", "preprocess", "benchmark",
        ] {
            let result = try Program.run([command, "--help"])
            #expect(result.status == 0)
            #expect(result.text.contains("EXAMPLES"))
            #expect(result.text.contains("orepa-infer "))
        }
        #expect(try Program.run(["--help"]).text.contains("EXIT STATUS"))
        let version = try Program.run(["--version"]).text.split(separator: "\n")
        #expect(version.first == "orepa-infer 0.1.0")
        #expect(version.last?.contains("libjpeg") == true)
        #expect(version.last?.hasSuffix("pictures as Pillow 13.0.0") == true)
    }

    private func images(_ result: Program.Result) -> [String] {
        result.lines.dropFirst().map { String($0.split(separator: ",")[0]) }
    }
}
