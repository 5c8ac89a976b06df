//go:build tools

// Package tools names the programs that are built, so that go.mod and go.sum lock what they consist of.
package tools

import (
	_ "github.com/influxdata/influxdb/v2/cmd/influxd"
	_ "github.com/influxdata/pkg-config"
)
