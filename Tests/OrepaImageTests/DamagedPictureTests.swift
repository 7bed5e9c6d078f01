import Foundation
import OrepaImage
import Testing

/// One line of Tests/Fixtures/damaged: a picture with one place replaced, and what Pillow makes of it.
private struct DamagedPicture {
    let name: String
    let at: Int
    let removed: Int
    let inserted: [UInt8]
    /// "width x height : hash", or nil where Pillow raises an error.
    let result: String?

    init?(_ line: Substring) {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 6, let at = Int(fields[1]), let removed = Int(fields[2]) else {
            return nil
        }
        name = fields[0]
        self.at = at
        self.removed = removed
        inserted = stride(from: 0, to: fields[3].utf8.count, by: 2).compactMap { start in
            UInt8(fields[3].dropFirst(start).prefix(2), radix: 16)
        }
        result = fields[4] == "error" ? nil : fields[4]
    }

    func bytes(of original: [UInt8]) -> [UInt8] {
        original[..<at] + inserted + original[(at + removed)...]
    }
}

/// Where Pillow gives pixels these are the same; where it raises an error there is one; damage is told.
@Suite struct DamagedPictureTests {
    @Test func readsDamagedPicturesAsPillow() throws {
        let file = fixtures.appending(path: "damaged/pillow-13.0.0.tsv")
        #expect(file.path.contains(ImageDecoder.referencePillowVersion))
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst()
        #expect(lines.count == 1056)
        var originals: [String: [UInt8]] = [:]
        for line in lines {
            let picture = try #require(DamagedPicture(line))
            let original = try originals[picture.name] ?? imageFixture(picture.name)
            originals[picture.name] = original
            let bytes = picture.bytes(of: original)
            let found = Result { () throws(ImageError) in try ImageDecoder.decode(bytes) }
            switch (found, picture.result) {
            case (.success(let decoded), let result?):
                let image = decoded.image
                #expect(
                    "\(image.width)x\(image.height):\(sha256(image.pixels))" == result, "\(line)")
            case (.failure, nil): break
            case (.success, nil): Issue.record("answered what Pillow refuses: \(line)")
            case (.failure(let error), _?): Issue.record("\(error): \(line)")
            }
        }
    }

    private func warnings(_ bytes: [UInt8]) throws -> [String] {
        let decoded = try ImageDecoder.decode(bytes)
        let strict = DecodingChoices(refusesDamagedFiles: true)
        let error = imageError { () throws(ImageError) in
            try ImageDecoder.decode(bytes, choices: strict)
        }
        // Whoever wants no damaged pictures gets none, and the others all.
        #expect((error != nil) == decoded.warnings.contains(where: { $0.isDamage }))
        if let error { #expect(error.description.hasPrefix("damaged ")) }
        return decoded.warnings.map(\.description)
    }

    private let asPillow = "; read as Pillow reads it"

    @Test func tellsDamageOfJPEG() throws {
        let bytes = try imageFixture("baseline-420.jpg")
        #expect(try warnings(bytes) == [])
        // Zeros for the end, as cameras leave them; libjpeg needs some bytes more than the last row has.
        for count in [100, 100_000] {
            #expect(
                try warnings(Array(bytes.dropLast(2)) + [UInt8](repeating: 0, count: count))
                    == ["damaged JPEG image: no end-of-image marker" + asPillow])
        }
        let scan = try #require(marker(0xDA, in: bytes))
        #expect(
            try warnings(Array(bytes[..<(scan + 2000)]) + [0xFF, 0xD9])
                == [
                    "damaged JPEG image: Corrupt JPEG data: premature end of data segment"
                        + asPillow
                ])
        var restart = try imageFixture("restart.jpg")
        let first = try #require(marker(0xD0, in: restart))
        restart[first + 1] = 0xD5
        #expect(
            try warnings(restart).first?.hasPrefix(
                "damaged JPEG image: Corrupt JPEG data: found marker 0xd5 instead of RST0") == true)
        let stray = Array(bytes.dropLast(2)) + [UInt8](repeating: 0x12, count: 100) + [0xFF, 0xD9]
        #expect(
            try warnings(stray).first?.contains("extraneous bytes before marker 0xd9")
                == true)
        #expect(try warnings(try imageFixture("trailing-bytes.jpg")) == [])
        #expect(try warnings(try imageFixture("multi-picture.jpg")) == [])
    }

    @Test func tellsDamageOfPNG() throws {
        let bytes = try imageFixture("rgb-gamma.png")
        #expect(try warnings(bytes) == [])
        func damaged(_ message: String) -> String { "damaged PNG image: " + message + asPillow }
        var end = bytes
        end[end.count - 1] ^= 1
        #expect(try warnings(end) == [damaged("wrong checksum of chunk IEND")])
        #expect(
            try warnings(Array(bytes.dropLast(12))) == [damaged("no chunk IEND at the end")])
        #expect(
            try warnings(Array(bytes.dropLast(4)))
                == [damaged("chunk IEND ends before its checksum")])
        var data = bytes
        data[data.count - 13] ^= 1
        #expect(try warnings(data) == [damaged("wrong checksum of chunk IDAT")])
        var text = pngChunk("tEXt", Array("Comment\0hello".utf8))
        text[text.count - 1] ^= 1
        #expect(
            try warnings(bytes.dropLast(12) + text + bytes.suffix(12))
                == [damaged("wrong checksum of chunk tEXt")])
        // The checksum behind the compressed rows, in a chunk of its own that Pillow does not read.
        let start = try #require((0..<bytes.count).first { bytes[$0...].starts(with: "IDAT".utf8) })
        let stream = bytes[(start + 4)..<(bytes.count - 16)]
        let head = Array(bytes[..<(start - 4)])
        func image(_ parts: [UInt8]...) -> [UInt8] {
            head + parts.flatMap { pngChunk("IDAT", $0) } + pngChunk("IEND", [])
        }
        #expect(try warnings(image(stream.dropLast(4), Array(stream.suffix(4)))) == [])
        #expect(
            try warnings(image(stream.dropLast(4), [1, 2, 3, 4]))
                == [damaged("incorrect data check")])
        #expect(
            try warnings(image(stream.dropLast(4)))
                == [damaged("the image data end before their checksum")])
        // Nothing of what libpng knows beside the pixels counts.
        for name in ["trailing-bytes.png", "rgb-extra-data.png", "animated.png"] {
            #expect(try warnings(try imageFixture(name)) == [], "\(name)")
        }
    }

    @Test func reads16BitGreyAsAsked() throws {
        let bytes = try imageFixture("grey-16bit.png")
        let high = try ImageDecoder.decode(bytes)
        #expect(high.warnings == [.sixteenBitGrey])
        #expect(!high.warnings[0].isDamage)
        let pillow = try ImageDecoder.decode(
            bytes, choices: DecodingChoices(sixteenBitGrey: .pillow))
        #expect(pillow.warnings == [])
        // Of convert("RGB") in Pillow 13.0.0.
        #expect(
            sha256(pillow.image.pixels)
                == "6e1d2dd5c42090b78f6219c046a18d8ec12784c766d8acec04de89bd1ddfcc83")
        let interlaced = try ImageDecoder.decode(
            try imageFixture("grey-16bit-interlaced.png"),
            choices: DecodingChoices(sixteenBitGrey: .pillow))
        #expect(
            sha256(interlaced.image.pixels)
                == "7f2e93c56db7e55f1f97671596ab64c823c8945e0cc733ce6084f3269c5344e5")
        for name in ["rgb-16bit.png", "rgba-16bit.png", "grey-alpha-16bit.png"] {
            let bytes = try imageFixture(name)
            #expect(try ImageDecoder.decode(bytes).warnings == [])
            #expect(
                try ImageDecoder.decode(
                    bytes, choices: DecodingChoices(sixteenBitGrey: .pillow)
                ).image == ImageDecoder.decode(bytes).image)
        }
    }

    /// Hashes of Pillow's `convert("L")`.
    @Test(arguments: [
        ("baseline-420.jpg", "d45cb84d5937d836cca665f4e069720c4af19da48717d5afae8cda3ebf600983"),
        ("grey.jpg", "b065479e2b9d6a582646b43b036f07d9afe236e5d6590738779486d4bf86d11f"),
        ("cmyk.jpg", "9e7e789556d91447e34c3ed1da35e18c38a87a2973411d0384774a3d6b07727f"),
        ("ycck.jpg", "eda0abc104cc570e4a9b3f8ca0d59bc8e310eafb3d82c216b50db75e7d8e1584"),
        ("rgb.png", "cd822d0a5b86379f987b3120f75a6e7c7be64e292b25a23bd858af5c9db1fed6"),
        ("rgba.png", "d3e7b4c616cfe801a9f4d09956637032853c918d56661c2c38eeedcbc1ca1e16"),
        ("palette.png", "1d1b90630431c6370fd12bf8e6d751dc11ba4b577b9fe585e9e76f4d5fc40b0d"),
        (
            "palette-transparent.png",
            "e30752f0e15eb479b5ddcd3c7cbaec2a2a1fa17de0cff6c11539d8e3df74f0c3"
        ),
        (
            "palette-short-8bit.png",
            "35f6830c114b36ded5394ffab1cc65c664861469c8cc9d586e90d46bb7742945"
        ),
        ("grey-alpha.png", "6b5d93792987b04537c10a8edb27e1b014acee8feebcffb6aaffc69d4706cec9"),
        ("grey-1bit.png", "49702d10a3a1c1b7560e0d4542023b449648a6ee226f4efe1a3361c45d62eec2"),
        ("grey-2bit.png", "064dd232ef0fe081521341cd861cdb18818406e2cd7e9ec9f267905a8b25a056"),
        ("bilevel.png", "05010ab25cac7a8e57f4c3b709e5e3bf3d63cf59000227fd4a3c64d14f9317b8"),
        ("rgb-16bit.png", "00108c4180429de7ad616929f8ae3d79904bad4c3ae6e23b0b60f104a70d3d00"),
        ("rgba-16bit.png", "76e45f829866c6d6bfcf77b5616861186f6a28a4a472326a0221c098e35319a0"),
        (
            "grey-alpha-16bit.png",
            "ae9782f6fe2457903ceabeb1e4141936dfbc4741c93ec09aa62039a4db838e3d"
        ),
        (
            "grey-transparent.png",
            "3137412bdee6bdb4c2bf3c2eabc277aa01f9f5e67eef8bd94aa58eba92cc8323"
        ),
    ])
    func convertsToGreyAsPillow(_ name: String, _ hash: String) throws {
        let grey = try ImageDecoder.decode(try imageFixture(name)).image.grey()
        let luma = stride(from: 0, to: grey.pixels.count, by: 3).map { grey.pixels[$0] }
        #expect(grey.pixels == luma.flatMap { [$0, $0, $0] })
        #expect(sha256(luma) == hash)
    }

    /// The scaled and cropped channels of the grey image are what Pillow makes of the grey image.
    @Test func cropsGreyAsPillow() throws {
        let crop = try ImageDecoder.decode(try imageFixture("baseline-420.jpg")).image.grey()
            .resizedAndCenterCropped(shorterSide: 256, width: 224, height: 224)
        let luma = stride(from: 0, to: crop.pixels.count, by: 3).map { crop.pixels[$0] }
        #expect(sha256(luma) == "168b5824355cc22cb481145bcf84a61e41eb7cc3a376f1ca0387dfecf2b9ae5b")
    }
}
