Console.WriteLine("uprobe");
