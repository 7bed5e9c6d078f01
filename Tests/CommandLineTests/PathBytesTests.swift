import Foundation
import TestSupport
import Testing

/// Paths that are not UTF-8 work for every option and argument, as do two that differ in such bytes alone.
@Suite struct PathBytesTests {
    private let folder: TemporaryFolder
    /// What bash begins a command with: names of files, none of which is UTF-8.
    private let names = """
        cd "$FOLDER"
        model=$(printf 'model \\351 \\377.safetensors'); other=$(printf 'model \\350 \\377.safetensors')
        checkpoint=$(printf 'check\\351.pth'); labels=$(printf 'labels\\351'); list=$(printf 'list\\351')
        output=$(printf 'out\\351'); input=$(printf 'in\\351'); boot=$(printf 'boot\\351.jpg')
        set -e

        """

    init() throws {
        folder = try TemporaryFolder()
        let result = try bash(
            """
            cp "$MODEL" "$model"; cp "$README" "$other"; cp "$CHECKPOINT" "$checkpoint"; cp "$BOOT" "$boot"
            printf '%s\\n' 0 1 2 3 4 5 6 7 8 nine > "$labels"; printf '%s\\n' "$boot" > "$list"; cp "$TENSORS" "$input"
            """)
        try #require(result.status == 0, "\(result.errors)")
    }

    private func bash(_ script: String, environment: [String: String] = [:]) throws
        -> Program.Result
    {
        try Program.bash(
            names + script,
            environment: [
                "FOLDER": folder.path,
                "MODEL": repositoryFile("models/fashion-mnist-repvgg/model.safetensors"),
                "README": repositoryFile("README.md"), "BOOT": boot,
                "CHECKPOINT": fixture("checkpoints/resnet_basic-orepa.pth.tar"),
                "TENSORS": CheckpointFixture.path(CheckpointFixture.golden("resnet_basic-orepa")),
            ].merging(environment) { $1 })
    }

    @Test func pathsOfClassify() throws {
        let expected = try Program.run([boot, "--format", "csv", "--top-k", "1"]).lines[1]
            .split(separator: ",")
        for option in [
            "--model \"$model\"", "--model=\"$model\"", "--labels \"$labels\"",
            "--labels=\"$labels\" --model \"$model\"",
        ] {
            let result = try bash("$PROGRAM \"$boot\" \(option) --format csv --top-k 1")
            #expect(result.status == 0, "\(option): \(result.errors)")
            let fields = result.lines[1].split(separator: ",")
            #expect(fields[2] == expected[2] && fields[4] == expected[4])
            #expect(fields[3] == (option.contains("labels") ? "nine" : expected[3]))
        }
        let listed = try bash("$PROGRAM --from-list \"$list\" --format csv --top-k 1")
        #expect(listed.status == 0, "\(listed.errors)")
        #expect(listed.lines.count == 2)
        let environment = try bash("OREPA_MODEL=\"$model\" $PROGRAM \"$boot\" --format table")
        #expect(environment.status == 0)
        #expect(environment.lines[0] == "model: model \\xE9 \\xFF.safetensors, 10 classes")
        // Another file, whose name differs in a byte that no text has.
        let other = try bash("$PROGRAM \"$boot\" --model \"$other\"")
        #expect(other.status == 65)
        #expect(other.errors.contains("model \\xE8 \\xFF.safetensors: expected a deployed model"))
        let missing = try bash("$PROGRAM \"$boot\" --model \"$output\"")
        #expect(missing.status == 66)
        #expect(missing.errors == "orepa-infer: out\\xE9: no such file\n")
    }

    @Test func pathsOfOtherCommands() throws {
        for (command, status) in [
            ("convert \"$checkpoint\" \"$output\" --input-size 64", 0),
            ("verify \"$checkpoint\" \"$output\"", 0), ("inspect \"$checkpoint\"", 0),
            ("convert \"$checkpoint\" \"$output\" --input-size 64", 73),
            ("inspect \"$output\" --format json", 0),
            ("benchmark \"$output\" --duration 0.01 --warmup 0 --format json", 0),
            ("run \"$output\" --input \"$input\" --output \"$output\"", 0),
            ("preprocess \"$boot\" --output \"$output\" --model \"$model\"", 0),
            ("preprocess \"$boot\" --output \"$boot\"", 73),
            ("inspect \"$checkpoint\" --strange\"$output\"", 64),
            ("convert \"$checkpoint\" \"$output\" --force --reference \"$list\"", 65),
            ("convert \"$checkpoint\" \"$output\" --force --labels \"$labels\"", 0),
        ] {
            let result = try bash("$PROGRAM \(command)")
            #expect(result.status == status, "\(command): \(result.errors)")
            if status != 0 { #expect(result.errors.uppercased().contains("\\XE9"), "\(command)") }
        }
        // Nothing is left over, and nothing has another name.
        let names = try bash("ls -1b | cat")
        #expect(
            names.text == """
                boot\\351.jpg
                check\\351.pth
                in\\351
                labels\\351
                list\\351
                model\\ \\350\\ \\377.safetensors
                model\\ \\351\\ \\377.safetensors
                out\\351

                """)
    }
}
