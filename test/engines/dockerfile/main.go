// dockerfile reads a Dockerfile with BuildKit's own frontend: parsed, linted by every rule, and turned into the image that it describes.
// What of the context is sent to a build is decided by the same code too. Nothing is fetched: a base image is taken for one without
// any configuration, so that user, entry point and folder of the answer are what the Dockerfile says itself.
// The Dockerfile and the context's folder are the arguments; the answer goes to standard output as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/opencontainers/go-digest"
	"github.com/tonistiigi/fsutil"
)

type stage struct {
	Name         string   `json:"name"`
	Base         string   `json:"base"`
	Instructions []string `json:"instructions"`
}

type answer struct {
	Problems []string                        `json:"problems"`
	Stages   []stage                         `json:"stages"`
	Image    dockerspec.DockerOCIImageConfig `json:"image"`
	// Files of the context, below its folder.
	Context []string `json:"context"`
}

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: dockerfile FILE CONTEXT"))
	}
	read, err := describe(os.Args[1], os.Args[2])
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(read); err != nil {
		fail(err)
	}
}

func describe(file, folder string) (*answer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	problems, err := lint(ctx, text, options(file, text))
	if err != nil {
		return nil, err
	}
	built, err := dockerfile2llb.Dockerfile2LLB(ctx, text, options(file, text))
	if err != nil {
		return nil, err
	}
	stages, err := stagesOf(file)
	if err != nil {
		return nil, err
	}
	sent, err := contextOf(ctx, folder)
	if err != nil {
		return nil, err
	}
	return &answer{Problems: problems, Stages: stages, Image: built.Image.Config, Context: sent}, nil
}

func options(file string, text []byte) dockerfile2llb.ConvertOpt {
	rules := &linter.Config{ExperimentalAll: true}
	source := llb.NewSourceMap(nil, file, "Dockerfile", text)
	// What BuildKit's client would have read the file from.
	source.Definition = &llb.Definition{}
	return dockerfile2llb.ConvertOpt{
		Config:       dockerui.Config{LinterConfig: rules},
		MetaResolver: unknownImages{},
		SourceMap:    source,
	}
}

func lint(ctx context.Context, text []byte, opt dockerfile2llb.ConvertOpt) ([]string, error) {
	results, err := dockerfile2llb.DockerfileLint(ctx, text, opt)
	if err != nil {
		return nil, err
	}
	problems := []string{}
	for _, warning := range results.Warnings {
		line := int32(0)
		if ranges := warning.Location.Ranges; len(ranges) > 0 {
			line = ranges[0].Start.Line
		}
		problems = append(problems, fmt.Sprintf("%d: %s: %s", line, warning.RuleName, warning.Detail))
	}
	if results.Error != nil {
		problems = append(problems, results.Error.Message)
	}
	return problems, nil
}

func stagesOf(file string) ([]stage, error) {
	opened, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	parsed, err := parser.Parse(opened)
	if err != nil {
		return nil, err
	}
	found, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, err
	}
	stages := []stage{}
	for _, each := range found {
		texts := []string{}
		for _, command := range each.Commands {
			texts = append(texts, fmt.Sprint(command))
		}
		stages = append(stages, stage{Name: each.Name, Base: each.BaseName, Instructions: texts})
	}
	return stages, nil
}

func contextOf(ctx context.Context, folder string) ([]string, error) {
	opened, err := os.Open(filepath.Join(folder, ".dockerignore"))
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	excluded, err := ignorefile.ReadAll(opened)
	if err != nil {
		return nil, err
	}
	whole, err := fsutil.NewFS(folder)
	if err != nil {
		return nil, err
	}
	sent, err := fsutil.NewFilterFS(whole, &fsutil.FilterOpt{ExcludePatterns: excluded})
	if err != nil {
		return nil, err
	}
	files := []string{}
	err = sent.Walk(ctx, "", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	return files, err
}

// unknownImages knows of every image that it is there, and nothing else.
type unknownImages struct{}

func (unknownImages) ResolveImageConfig(_ context.Context, name string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config := []byte(`{"architecture":"amd64","os":"linux","config":{}}`)
	return name, digest.FromBytes(config), config, nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
