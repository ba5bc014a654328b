// Command deploy packages the chart in helm/odigos-stress, as helm package does; its tests render
// it. It is a module of its own, so that the tool does not depend on Helm.
package main

import (
	"flag"
	"fmt"
	"os"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/chart/v2/util"
)

// chartDir is where the chart lies.
const chartDir = "helm/odigos-stress"

func main() {
	version := flag.String("app-version", "", "`version` of the tool, which is the tag of its image")
	to := flag.String("to", ".", "`directory` that the package is written into")
	flag.Parse()
	path, err := pack(*version, *to)
	if err != nil {
		fmt.Fprintf(os.Stderr, "package the chart: %v\n", err)
		os.Exit(1)
	}
	fmt.Println(path)
}

// pack writes the chart as an archive, for one version of the tool.
func pack(version, to string) (string, error) {
	chart, err := loader.LoadDir(chartDir)
	if err != nil {
		return "", err
	}
	if version != "" {
		chart.Metadata.AppVersion = version
	}
	return util.Save(chart, to)
}
