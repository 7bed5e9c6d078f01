import Foundation
import TestSupport
import Testing

/// Little memory, no threads, few descriptors, no /proc, interrupts: an answer, or a sentence and a status.
@Suite struct LimitTests {
    let bag = repositoryFile("models/fashion-mnist-repvgg/samples/bag.jpg")
    let answer = "image,rank,index,label,probability,error\nbag.jpg,1,8,Bag,0.9757082,\n"

    /// The answer to `bag.jpg`, run after `limits`, within a few seconds.
    private func classify(_ limits: String, _ options: String = "") throws -> Program.Result {
        let folder = (bag as NSString).deletingLastPathComponent
        let result = try Program.bash(
            "cd '\(folder)'; \(limits); exec \"$PROGRAM\" bag.jpg --top-k 1 --format csv \(options)"
        )
        return result
    }

    @Test func classifyingLoadsNothingOfConversion() throws {
        let needed = try Program.shell("ldd '\(Program.path)'")
        #expect(needed.contains("libjpeg"))
        for library in ["openblas", "blas", "libcrypto", "libssl", "libgfortran"] {
            #expect(!needed.contains(library), "\(library)")
        }
    }

    @Test func littleAddressSpace() throws {
        var statuses: [Int32: Int] = [:]
        let clock = ContinuousClock()
        for kilobytes in Array(stride(from: 20_000, to: 90_000, by: 1_300)) + [
            150_000, 220_000, 400_000, 1_000_000,
        ] {
            var result: Program.Result?
            let time = try clock.measure {
                result = try classify("ulimit -v \(kilobytes)", "--threads 2")
            }
            let found = try #require(result)
            statuses[found.status, default: 0] += 1
            switch found.status {
            case 0: #expect(found.text == answer)
            // The system's loader, which speaks before the program does.
            case 127: #expect(found.errors.contains("error while loading shared libraries"))
            default:
                #expect(found.status == 71, "\(kilobytes) KB: \(found.status) \(found.errors)")
                #expect(found.errors.contains("memory"), "\(kilobytes) KB")
            }
            #expect(time < .seconds(5))
        }
        #expect(statuses[0, default: 0] > 4)
        #expect(statuses[71, default: 0] > 2)
    }

    /// OpenBLAS would ask for its buffers again and again.
    @Test func littleAddressSpaceForConversion() throws {
        let checkpoint = fixture("checkpoints/repvgg-repvgg.pth")
        var statuses: Set<Int32> = []
        for kilobytes in stride(from: 60_000, through: 700_000, by: 40_000) {
            let result = try Program.bash(
                "ulimit -v \(kilobytes); exec timeout 10 \"$PROGRAM\" verify '\(checkpoint)'")
            #expect([0, 71].contains(result.status), "\(kilobytes) KB: \(result.errors)")
            #expect(result.status == 0 || result.errors.contains("memory"))
            statuses.insert(result.status)
        }
        #expect(statuses == [0, 71])
    }

    /// Limits on processes do not bind the superuser.
    @Test(
        .enabled(
            if: try succeeds("\(ordinaryUser) test -x \"$PROGRAM\""),
            "needs to become an ordinary user who can read the checkout"), arguments: [1, 2, 3, 8])
    func fewProcesses(count: Int) throws {
        // Where an ordinary user can read it.
        let folder = try TemporaryFolder()
        let result = try Program.bash(
            """
            chmod 755 '\(folder.path)' && cp '\(bag)' '\(folder.path)/bag.jpg' && cd '\(folder.path)'
            exec \(ordinaryUser) bash -c "ulimit -u \(count); exec $PROGRAM bag.jpg bag.jpg --threads 4 --top-k 1 --format csv"
            """)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.lines.count == 3)
        #expect(result.lines.last == "bag.jpg,1,8,Bag,0.9757082,")
    }

    @Test(arguments: ["ulimit -s 256", "ulimit -n 12", "ulimit -s unlimited"])
    func stacksAndDescriptors(limit: String) throws {
        let result = try classify(limit, "--threads 64")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.text == answer)
        let many = try Program.bash(
            "\(limit); exec \"$PROGRAM\" $(yes '\(bag)' | head -100) --threads 64 --top-k 1 --format jsonl"
        )
        #expect(many.status == 0)
        #expect(many.lines.count == 100)
    }

    /// Without /proc, and with nothing but the libraries that it needs.
    @Test(.enabled(if: geteuid() == 0, "needs chroot")) func anEmptyRoot() throws {
        let root = try TemporaryFolder()
        let script = """
            set -e
            cd '\(root.path)'
            ldd "$PROGRAM" | grep -o '/[^ ]*' | sort -u | while read -r library; do
                mkdir -p ".$(dirname "$library")"; cp -L "$library" ".$library"
            done
            cp "$PROGRAM" orepa-infer; cp '\(bag)' bag.jpg
            run() { LD_LIBRARY_PATH="$(ldd "$PROGRAM" | sed -n 's|.*=> \\(/.*\\)/libswiftCore.so.*|\\1|p')" chroot . /orepa-infer "$@"; }
            run bag.jpg --top-k 1 --format csv
            run bag.jpg --nonsense 2>&1 || echo "status $?"
            run convert a b 2>&1 || echo "status $?"
            run verify bag.jpg 2>&1 || echo "status $?"
            run --help | head -1
            """
        let result = try Program.bash(script)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.text.hasPrefix(answer), "\(result.text) \(result.errors)")
        #expect(result.text.contains("Unknown option '--nonsense'\n"))
        #expect(result.text.contains("status 64"))
        #expect(result.text.contains("a: no such file\nstatus 66"))
        #expect(result.text.contains("status 65"))
        #expect(result.text.contains("OVERVIEW: Classify pictures"))
    }

    /// Conversion says which library is missing.
    @Test(
        .enabled(
            if: try succeeds("unshare -m mount --bind /dev/null /bin/true"),
            "needs a mount namespace"))
    func withoutOpenBLAS() throws {
        let folder = try TemporaryFolder()
        let script = """
            library="$(ldconfig -p | sed -n 's|.*libopenblas.so.0 .*=> ||p' | head -1)"
            exec unshare -m bash -c "mount --bind /dev/null $(readlink -f "$library") && exec $PROGRAM convert \
                '\(fixture("checkpoints/repvgg-repvgg.pth"))' '\(folder.file("model"))'"
            """
        let result = try Program.bash(script)
        #expect(result.status == 69)
        #expect(result.errors.hasPrefix("orepa-infer: expected the library libopenblas.so.0"))
        #expect(folder.names == [])
    }

    @Test(.enabled(if: try succeeds("strace true"), "needs strace"))
    func conversionHasOneThread() throws {
        let folder = try TemporaryFolder()
        let result = try Program.bash(
            """
            exec env OPENBLAS_NUM_THREADS=8 strace -f -e trace=clone,clone3 "$PROGRAM" verify \
                '\(fixture("checkpoints/repvgg-repvgg.pth"))' --threads 1
            """)
        #expect(result.status == 0, "\(result.errors)")
        #expect(!result.errors.contains("clone"))
        withExtendedLifetime(folder) {}
    }

    /// A file that is written does not become standard error, into which warnings go.
    @Test func closedStreams() throws {
        let folder = try TemporaryFolder()
        let picture = fixture("images/exif-orientation-6.jpg")
        let result = try Program.bash(
            """
            cd '\(folder.path)'
            "$PROGRAM" preprocess '\(picture)' --output open.png 2> warning; echo $?
            "$PROGRAM" preprocess '\(picture)' --output closed.png <&- >&- 2>&-; echo $?
            cmp open.png closed.png && echo same
            "$PROGRAM" - --top-k 1 <&- 2>&1; echo $?
            "$PROGRAM" '\(bag)' >&-; echo $?
            """)
        try #require(result.lines.count == 6, "\(result.text)")
        #expect(result.lines.prefix(3) == ["0", "0", "same"])
        #expect(result.lines[3] == "orepa-infer: -: cannot read: Bad file descriptor")
        #expect(result.lines.suffix(2) == ["1", "73"])
        #expect(
            result.errors
                == "orepa-infer: standard output: cannot write: Bad file descriptor\n")
    }

    @Test func anInterruptPrintsWhatWasDone() throws {
        let script = """
            import json, signal, subprocess, sys
            # The threads of the tests block signals, which their children would go on with.
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            program = subprocess.Popen([sys.argv[1], *[sys.argv[2]] * 3000, "--format", sys.argv[3], "--top-k", "1"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
            text = program.stdout.read(100)
            program.send_signal(signal.SIGINT)
            rest, errors = program.communicate()
            text += rest
            print(program.returncode)
            answers = json.loads(text) if sys.argv[3] == "json" else [json.loads(line) for line in text.splitlines()]
            assert all(answer["predictions"][0]["label"] == "Bag" for answer in answers)
            assert f"interrupted after {len(answers)} of 3000" in errors.decode(), errors
            assert 0 < len(answers) < 3000
            """
        for format in ["json", "jsonl"] {
            let result = try Program.run(
                ["-c", script, Program.path, bag, format], executable: "/usr/bin/python3")
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.text == "-2\n")
        }
    }

    /// Before there is anything to print the program ends as any other does.
    @Test func anInterruptEndsWaitingForLabelsAndLists() throws {
        let folder = try TemporaryFolder()
        let pipe = folder.file("pipe")
        try #require(mkfifo(pipe, 0o600) == 0)
        let script = """
            import os, signal, subprocess, sys, time
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            # Waiting for the pipe's other end, then for what comes out of it.
            for opens in False, True:
                program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
                if opens:
                    end = os.open(sys.argv[-1], os.O_WRONLY)
                    os.write(end, b"a")
                time.sleep(0.5)
                program.send_signal(signal.SIGINT)
                print(program.wait(timeout=10))
            """
        for arguments in [[bag, "--labels", pipe], ["--from-list", pipe]] {
            let result = try Program.run(
                ["-c", script, Program.path] + arguments, executable: "/usr/bin/python3")
            #expect(result.text == "-2\n-2\n", "\(arguments): \(result.errors)")
            #expect(result.errors == "")
        }
    }

    /// Signals at any time leave no file but the one that was asked for, whole.
    @Test func endingLeavesNoTemporaryFiles() throws {
        let folder = try TemporaryFolder()
        let script = """
            import os, random, signal, subprocess, sys, time
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            program, picture, folder = sys.argv[1:]
            output = os.path.join(folder, "crop.png")
            command = [program, "preprocess", picture, "--preset", "imagenet", "--output", output]
            begin = time.monotonic()
            subprocess.run(command, check=True)
            duration = time.monotonic() - begin
            whole = open(output, "rb").read()
            random.seed(1)
            ended = 0
            for turn in range(80):
                if turn % 2 == 0 and os.path.exists(output):
                    os.unlink(output)
                process = subprocess.Popen(command)
                # Most of it is spent on the disk, at the end.
                time.sleep(random.uniform(0, 1.2) * duration)
                process.send_signal([signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU][turn % 4])
                ended += process.wait() < 0
                assert set(os.listdir(folder)) <= {"crop.png"}, os.listdir(folder)
                assert not os.path.exists(output) or open(output, "rb").read() == whole
            assert ended > 10, ended
            """
        let result = try Program.run(
            ["-c", script, Program.path, bag, folder.path], executable: "/usr/bin/python3")
        #expect(result.status == 0, "\(result.errors)")
    }

    @Test func filesThatMayNotGrowAreNotWritten() throws {
        let folder = try TemporaryFolder()
        let result = try Program.bash(
            """
            ulimit -f 8
            "$PROGRAM" convert '\(fixture("checkpoints/repvgg-repvgg.pth"))' '\(folder.file("model"))'
            """)
        #expect(result.status == 73)
        #expect(
            result.errors
                == "orepa-infer: \(folder.file("model")): cannot write: File too large\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    }

    /// While the program waits for input.
    @Test func anInterruptEndsWaiting() throws {
        let folder = try TemporaryFolder()
        let pipe = folder.file("pipe")
        try #require(mkfifo(pipe, 0o600) == 0)
        let script = """
            import signal, subprocess, sys, time
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            program = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            time.sleep(0.5)
            program.send_signal(signal.SIGINT)
            text = program.stdout.read()
            print(program.wait(timeout=10), text.decode().strip()[-1:])
            """
        for pictures in [["-"], [pipe], [bag, pipe]] {
            let result = try Program.run(
                ["-c", script, Program.path] + pictures + ["--format", "json"],
                executable: "/usr/bin/python3")
            #expect(result.text == "-2 ]\n", "\(pictures): \(result.errors)")
        }
    }
}

/// Limits on processes bind no superuser.
private let ordinaryUser = "setpriv --reuid=54321 --regid=54321 --clear-groups"

/// Whether the machine can do what a test needs.
private func succeeds(_ script: String) throws -> Bool {
    try Program.bash(script).status == 0
}
