// kube-apiserver with its etcd in the same process, for tests: the real code of both, nothing else to install.
// It takes kube-apiserver's own flags; the folder of etcd's data comes from ETCD_DATA_DIR, its ports are free ones.
package main

import (
	"fmt"
	"net/url"
	"os"
	"time"
	_ "time/tzdata"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

const etcdReadyTimeout = 60 * time.Second

func main() {
	etcd, err := startEtcd(os.Getenv("ETCD_DATA_DIR"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "cannot start etcd: %v\n", err)
		os.Exit(3)
	}
	command := app.NewAPIServerCommand()
	command.SetArgs(append(os.Args[1:], "--etcd-servers=http://"+etcd.Clients[0].Addr().String()))
	code := cli.Run(command)
	etcd.Close()
	os.Exit(code)
}

func startEtcd(dir string) (*embed.Etcd, error) {
	if dir == "" {
		return nil, fmt.Errorf("ETCD_DATA_DIR is not set: name a folder for its data")
	}
	anyPort := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	config := embed.NewConfig()
	config.Dir = dir
	config.LogLevel = "error"
	// The data lives as long as one test.
	config.UnsafeNoFsync = true
	config.ListenClientUrls, config.AdvertiseClientUrls = anyPort, anyPort
	config.ListenPeerUrls, config.AdvertisePeerUrls = anyPort, anyPort
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return nil, err
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd, nil
	case err := <-etcd.Err():
		return nil, err
	case <-time.After(etcdReadyTimeout):
		return nil, fmt.Errorf("not ready after %s", etcdReadyTimeout)
	}
}
