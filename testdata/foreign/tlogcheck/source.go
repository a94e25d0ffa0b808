package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// missing says that there is no such file.
var missing = errors.New("does not exist")

// source is where the files of a log are read from.
type source interface {
	// read gives a file, or an error that wraps missing.
	read(path string) ([]byte, error)
	// list gives every file under tile/, where that can be known.
	list() ([]string, bool, error)
}

func open(place, token string) (source, error) {
	if strings.HasPrefix(place, "http://") {
		return web{strings.TrimSuffix(place, "/") + "/", token}, nil
	}
	if place == "" {
		return nil, errors.New("-log names no folder and no URL")
	}
	return folder(place), nil
}

// folder is a log as files.
type folder string

func (f folder) read(path string) ([]byte, error) {
	bytes, err := os.ReadFile(filepath.Join(string(f), filepath.FromSlash(path)))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s %w", path, missing)
	}
	return bytes, err
}

func (f folder) list() ([]string, bool, error) {
	var files []string
	err := filepath.Walk(filepath.Join(string(f), "tile"), func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		name, err := filepath.Rel(string(f), path)
		files = append(files, filepath.ToSlash(name))
		return err
	})
	if errors.Is(err, os.ErrNotExist) {
		return nil, true, nil
	}
	return files, true, err
}

// web is a log that a server serves.
type web struct{ prefix, token string }

func (w web) read(path string) ([]byte, error) {
	request, err := http.NewRequest("GET", w.prefix+path, nil)
	if err != nil {
		return nil, err
	}
	if w.token != "" {
		request.Header.Set("Authorization", "Bearer "+w.token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	bytes, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	switch response.StatusCode {
	case http.StatusOK:
		return bytes, w.served(path, response)
	case http.StatusNotFound:
		return nil, fmt.Errorf("%s %w", path, missing)
	default:
		return nil, fmt.Errorf("%s: %s: %s", path, response.Status, bytes)
	}
}

// served holds an answer against what tlog-tiles says of each kind of file.
func (w web) served(path string, response *http.Response) error {
	kind, fresh := "application/octet-stream", "immutable"
	if path == "checkpoint" {
		kind, fresh = "text/plain; charset=utf-8", "no-store"
	}
	if got := response.Header.Get("Content-Type"); got != kind {
		return fmt.Errorf("%s is served as %q", path, got)
	}
	if got := response.Header.Get("Cache-Control"); !strings.Contains(got, fresh) {
		return fmt.Errorf("%s is served with Cache-Control %q", path, got)
	}
	// This client says that it takes gzip, and unpacks what comes.
	if strings.HasPrefix(path, "tile/entries/") != response.Uncompressed {
		return fmt.Errorf("%s: packed: %v", path, response.Uncompressed)
	}
	return nil
}

func (w web) list() ([]string, bool, error) { return nil, false, nil }
